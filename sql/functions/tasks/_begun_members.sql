-- _begun_members: what the body of EXECUTE_JOB says of the tasks of runs that have some.
-- Returns    a row for each run: the members tasks and cachedTaskCursor.
-- Called by  claim_runs.
create or replace function perdure._begun_members(p_run_ids uuid[])
returns table (run_id uuid, members text)
language sql stable
begin atomic
    select
        r.id,
        concat('"tasks":', t.tasks, ',"cachedTaskCursor":"' || t.next_cursor || '"')
    from perdure.runs as r
    inner join perdure.endpoints as p on p.id = r.endpoint_id
    cross join lateral perdure._cached_tasks(r.id, p.sdk_name = 'perdure', null, 3500000, null) as t
    where r.id = any(p_run_ids);
end;
comment on function perdure._begun_members(uuid[]) is 'What EXECUTE_JOB says of the tasks of runs.';
