-- _notify_of_due: tell sleeping dispatchers that something is due soon: sooner than they would see it by themselves.
-- Arguments  p_due_at  null: nothing is.
-- Called by  _begin_tasks, _apply_replies.
create or replace function perdure._notify_of_due(p_due_at timestamptz)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    if p_due_at <= perdure.clock() + interval '15 seconds' then
        perform perdure._notify_dispatchers('due');
    end if;
end;
$$;
comment on function perdure._notify_of_due(timestamptz) is 'Wake sleeping dispatchers for what is due soon.';
