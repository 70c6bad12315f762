-- _bulk_continue: let runs that ended without success go on where they stopped.
-- Returns    {run: reason} of those that are left as they were.
-- Locks      as continue_run, in id order.
-- Called by  _apply_bulk_action.
create or replace function perdure._bulk_continue(p_environment_id uuid, p_run_ids uuid[])
returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_skips jsonb := '{}'::jsonb;
    v_run record;
begin
    for v_run in
        select r.id, r.status from perdure.runs as r where r.id = any(p_run_ids) order by r.id for update
    loop
        if v_run.status = 'SUCCESS' then
            v_skips := v_skips || jsonb_build_object(v_run.id, 'It has succeeded: there is nothing to continue.');
        elsif not perdure._is_final(v_run.status) then
            v_skips := v_skips || jsonb_build_object(v_run.id, format('It has not ended: %s.', v_run.status));
        else
            perform perdure.continue_run(p_environment_id, v_run.id);
        end if;
    end loop;
    return v_skips;
end;
$$;
comment on function perdure._bulk_continue(uuid, uuid[]) is 'Let runs go on where they stopped.';
