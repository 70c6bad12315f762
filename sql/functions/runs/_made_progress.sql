-- _made_progress: did a task of this run begin or end since it was claimed?
-- Called by  _next_run_state, _apply_replies.
create or replace function perdure._made_progress(p_run_id uuid, p_claimed_at timestamptz)
returns boolean
language sql stable
begin atomic
    select exists(
        select 1
        from perdure.tasks as t
        where t.run_id = p_run_id and (t.created_at >= p_claimed_at or t.completed_at >= p_claimed_at)
    );
end;
comment on function perdure._made_progress(uuid, timestamptz) is 'Did a task begin or end since the claim?';
