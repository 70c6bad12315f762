-- store_task: create a lone task that is done, as nearly all steps of an app that is not busy are. What counts there is
-- how much is touched: plain arguments and a statement of two nodes, where upsert_tasks takes apart any number of tasks
-- of any kind. Each setting costs, too: what looks one run up by its id needs only one of the planner's.
-- Arguments  of a task that is COMPLETED: its run with the number of the lease, its key, what is shown of it, its
--            output (null: it returned nothing), and since when it ran.
-- Returns    whether it was stored. False: it exists, or may not be stored, and nothing was done: upsert_tasks tells
--            which.
-- Errors     of Postgres, for arguments that cannot be stored; upsert_tasks tells them better.
-- Called by  the server.
create or replace function perdure.store_task(
    p_environment_id uuid, p_run_id uuid, p_lease_number integer, p_idempotency_key text, p_name text,
    p_display_key text, p_output json, p_started_at timestamptz
)
returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
    v_now constant timestamptz := perdure.clock();
begin
    insert into perdure.tasks (
        id, run_id, idempotency_key, display_key, status, noop, name, style, output, started_at, completed_at,
        created_at, updated_at
    )
    select
        perdure._id_at(perdure._id_now() + 1, perdure._task_id_tail(r.id, p_idempotency_key)), r.id,
        p_idempotency_key, p_display_key, 'COMPLETED', false, p_name,
        '{"style": "normal"}', p_output, p_started_at, v_now, v_now, v_now
    from perdure.runs as r
    where
        r.id = p_run_id and r.environment_id = p_environment_id and r.lease_number = p_lease_number
        and r.status = 'EXECUTING'
    on conflict (run_id, idempotency_key) do nothing;
    return found;
end;
$$;
comment on function perdure.store_task(uuid, uuid, integer, text, text, text, json, timestamptz)
is 'Create a lone task that is done.';
