-- _run_notification_json: what is told of a run that has ended (RunNotification). A run that ended before it was ever
-- executed is said to have started when it ended: the wire has no null there.
-- Called by  _notify_run_ends.
create or replace function perdure._run_notification_json(p_run perdure.runs)
returns json
language sql stable
begin atomic
    select
        perdure._json_object(
            perdure._member('id', to_json((p_run).id)),
            perdure._member('ok', to_json((p_run).status = 'SUCCESS')),
            perdure._member('status', to_json((p_run).status)),
            perdure._member('startedAt', to_json(perdure._iso(coalesce((p_run).started_at, (p_run).completed_at)))),
            perdure._member('updatedAt', to_json(perdure._iso((p_run).updated_at))),
            perdure._member('completedAt', to_json(perdure._iso((p_run).completed_at))),
            perdure._member('isTest', to_json((p_run).is_test)),
            perdure._member('executionDurationInMs', to_json((p_run).duration_ms)),
            perdure._member('executionCount', to_json((p_run).execution_count)),
            perdure._member('job', json_build_object('id', j.slug, 'version', v.version)),
            perdure._member('statuses', perdure._run_statuses_json((p_run).id)),
            perdure._member('environment', o.environment),
            perdure._member('organization', o.organization),
            perdure._member('project', o.project),
            perdure._member('account', case
                when a.id is not null then json_build_object('id', a.identifier, 'metadata', a.metadata)
            end),
            perdure._member('invocation', json_build_object(
                'id', e.event_id, 'context', e.context, 'timestamp', perdure._iso(e.happened_at), 'payload', e.payload
            )),
            perdure._member('output', case when (p_run).status = 'SUCCESS' then (p_run).output end),
            perdure._member('error', case
                when (p_run).status <> 'SUCCESS' then coalesce(
                    (p_run).output, json_build_object('message', format('The run ended with %s', (p_run).status))
                )
            end),
            perdure._member('task', case
                when (p_run).status <> 'SUCCESS' then perdure._failed_task_json((p_run).id)
            end)
        )
    from perdure.events as e
    inner join perdure.jobs as j on j.id = (p_run).job_id
    inner join perdure.job_versions as v on v.id = (p_run).job_version_id
    left join perdure.external_accounts as a on a.id = e.external_account_id
    cross join lateral perdure._environment_json((p_run).environment_id) as o
    where e.id = (p_run).event_id;
end;
comment on function perdure._run_notification_json(perdure.runs) is 'What is told of a run that has ended.';
