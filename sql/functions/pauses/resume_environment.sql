-- resume_environment: execute the runs of an environment again, as far as nothing else stops them.
-- Returns    how many runs were waiting and are queued; null: the environment was not paused.
-- Errors     JQ001 not_found.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.resume_environment(p_environment_id uuid)
returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform perdure._check_environment(p_environment_id);
    return perdure._resume(p_environment_id, null, null);
end;
$$;
comment on function perdure.resume_environment(uuid) is 'Execute the runs of an environment again.';
