-- _notify_run_ends: tell those who want to know that runs have ended: the app's endpoint, and URLs.
-- Arguments  p_run_ids  runs that are final, their tasks too;
--            p_url      only this subscriber of theirs; null: all.
-- Called by  _close_runs, invoke_job.
create or replace function perdure._notify_run_ends(p_run_ids uuid[], p_url text default null)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
begin
    insert into perdure.deliveries (
        id, environment_id, kind, subject_id, endpoint_id, url, status, request, due_at, created_at
    )
    select
        perdure.new_id(), r.environment_id, case when s.url = '' then 'RUN_NOTIFICATION' else 'RUN_WEBHOOK' end, r.id,
        case when s.url = '' then r.endpoint_id end, nullif(s.url, ''), 'PENDING', perdure._run_notification_json(r),
        v_now, v_now
    from perdure.run_subscriptions as s
    inner join perdure.runs as r on r.id = s.run_id
    where
        s.run_id = any(p_run_ids)
        and (p_url is null or s.url = p_url)
        and case when r.status = 'SUCCESS' then s.on_success else s.on_failure end;
    if found then
        perform perdure._notify_dispatchers('deliveries');
    end if;
end;
$$;
comment on function perdure._notify_run_ends(uuid[], text) is 'Tell those who want to know that runs have ended.';
