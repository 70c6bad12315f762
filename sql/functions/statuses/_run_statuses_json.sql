-- _run_statuses_json: the statuses of a run, in the order in which they were first set.
-- Returns    a JSON array of StatusRecord, [] when there are none.
-- Called by  get_run, get_run_statuses, _run_notification_json.
create or replace function perdure._run_statuses_json(p_run_id uuid)
returns json
language sql stable
begin atomic
    select coalesce(json_agg(perdure._run_status_json(s) order by s.created_at, s.key), '[]')
    from perdure.run_statuses as s
    where s.run_id = p_run_id;
end;
comment on function perdure._run_statuses_json(uuid) is 'The statuses of a run.';
