-- _subscribe_endpoints: remember for which runs the app wants to be told how they end. Internal jobs have nobody to
-- tell.
-- Arguments  p_documents  what apply_results was given; p_results  those of them that moved their run.
-- Called by  apply_results, before it closes runs.
create or replace function perdure._subscribe_endpoints(p_documents json, p_results perdure.execution_result[])
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
    insert into perdure.run_subscriptions as s (run_id, url, on_success, on_failure)
    select
        r.id, '', coalesce((d.metadata ->> 'successSubscription')::boolean, false),
        coalesce((d.metadata ->> 'failedSubscription')::boolean, false)
    from json_to_recordset(p_documents) as d ("runId" uuid, metadata json)
    inner join unnest(p_results) as u on u.run_id = d."runId"
    inner join perdure.runs as r on r.id = u.run_id
    inner join perdure.jobs as j on j.id = r.job_id and not j.internal
    where 'true' in (d.metadata ->> 'successSubscription', d.metadata ->> 'failedSubscription')
    on conflict (run_id, url) do nothing;
end;
$$;
comment on function perdure._subscribe_endpoints(json, perdure.execution_result[])
is 'Remember which apps want to be told how runs end.';
