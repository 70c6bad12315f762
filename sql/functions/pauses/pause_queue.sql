-- pause_queue: execute no run of the jobs that share a concurrency limit any more, until resume_queue. Runs that are
-- executing finish their execution; new ones are taken and wait.
-- Arguments  p_queue  the id of the group; p_paused_by, p_reason  for people.
-- Returns    {pausedAt, pausedBy?, reason?}; as it was when the queue is paused already.
-- Errors     JQ001 not_found: no job of the environment has named such a group.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.pause_queue(
    p_environment_id uuid, p_queue text, p_paused_by text default null, p_reason text default null
)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return perdure._pause(
        p_environment_id, null, perdure._find_queue(p_environment_id, p_queue), p_paused_by, p_reason
    );
end;
$$;
comment on function perdure.pause_queue(uuid, text, text, text) is 'Execute no run of a queue for now.';
