-- _store_limit: set a concurrency limit; where it was raised, runs that it kept back are queued.
-- Returns    its id.
-- Called by  _upsert_concurrency_limits, set_concurrency_limit, set_job_concurrency_limit.
create or replace function perdure._store_limit(
    p_environment_id uuid, p_kind text, p_name text, p_max_executions integer
)
returns uuid
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
begin
    insert into perdure.concurrency_limits as c (id, environment_id, kind, name, max_executions, updated_at)
    values (perdure.new_id(), p_environment_id, p_kind, p_name, p_max_executions, perdure.clock())
    on conflict (environment_id, kind, name) do update
    set max_executions = excluded.max_executions, updated_at = excluded.updated_at
    where c.max_executions <> excluded.max_executions
    returning c.id into v_id;
    if v_id is not null then
        perform perdure._unblock_runs(array[v_id]);
        return v_id;
    end if;
    select c.id into strict v_id
    from perdure.concurrency_limits as c
    where c.environment_id = p_environment_id and c.kind = p_kind and c.name = p_name;
    return v_id;
end;
$$;
comment on function perdure._store_limit(uuid, text, text, integer) is 'Set a concurrency limit.';
