-- pause_environment: execute nothing of an environment any more, until resume_environment. Runs that are executing
-- finish their execution; new ones are taken and wait.
-- Arguments  p_paused_by, p_reason  for people.
-- Returns    {pausedAt, pausedBy?, reason?}; as it was when the environment is paused already.
-- Errors     JQ001 not_found.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.pause_environment(
    p_environment_id uuid, p_paused_by text default null, p_reason text default null
)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform perdure._check_environment(p_environment_id);
    return perdure._pause(p_environment_id, null, null, p_paused_by, p_reason);
end;
$$;
comment on function perdure.pause_environment(uuid, text, text) is 'Execute nothing of an environment for now.';
