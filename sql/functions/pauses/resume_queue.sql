-- resume_queue: execute the runs of a queue again, as far as nothing else stops them.
-- Arguments  p_queue  the id of the group.
-- Returns    how many runs were waiting and are queued; null: the queue was not paused.
-- Errors     JQ001 not_found: no job of the environment has named such a group.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.resume_queue(p_environment_id uuid, p_queue text)
returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return perdure._resume(p_environment_id, null, perdure._find_queue(p_environment_id, p_queue));
end;
$$;
comment on function perdure.resume_queue(uuid, text) is 'Execute the runs of a queue again.';
