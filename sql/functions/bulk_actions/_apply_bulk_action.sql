-- _apply_bulk_action: do a bulk action with some runs, count them, and keep why some are left as they were.
-- Called by  _advance_bulk_action.
create or replace function perdure._apply_bulk_action(p_action perdure.bulk_actions, p_run_ids uuid[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_run_ids constant uuid[] := array(
        select r.id
        from unnest(p_run_ids) as i (id)
        inner join perdure.runs as r on r.id = i.id and r.environment_id = p_action.environment_id
        order by r.id
    );
    v_skips jsonb;  -- run -> reason
    v_skipped integer;
begin
    v_skips := case p_action.kind
        when 'CANCEL' then perdure._bulk_cancel(v_run_ids)
        when 'RERUN' then perdure._bulk_rerun(v_run_ids)
        else perdure._bulk_continue(p_action.environment_id, v_run_ids)
    end || coalesce(
        (
            select jsonb_object_agg(i.id, 'There is no such run here.')
            from unnest(p_run_ids) as i (id)
            where i.id <> all(v_run_ids)
        ),
        '{}'
    );
    insert into perdure.bulk_action_skips (bulk_action_id, run_id, reason)
    select p_action.id, s.run_id::uuid, s.reason
    from jsonb_each_text(v_skips) as s (run_id, reason)
    order by s.run_id desc
    limit greatest(1000 - p_action.skipped_count, 0);
    select count(*) into v_skipped from jsonb_object_keys(v_skips);
    update perdure.bulk_actions as a
    set
        done_count = a.done_count + cardinality(p_run_ids) - v_skipped,
        skipped_count = a.skipped_count + v_skipped
    where a.id = p_action.id;
end;
$$;
comment on function perdure._apply_bulk_action(perdure.bulk_actions, uuid[]) is 'Do a bulk action with some runs.';
