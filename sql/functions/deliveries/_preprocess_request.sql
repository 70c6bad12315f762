-- _preprocess_request: PREPROCESS: which properties does a run have, to be shown to people? Asked before it starts.
-- Returns    null: it does not wait for that any more.
-- Called by  _delivery_request.
create or replace function perdure._preprocess_request(p_delivery perdure.deliveries)
returns perdure.delivery_request
language sql stable
begin atomic
    select
        perdure._endpoint_request(
            p_delivery,
            'PREPROCESS_RUN',
            json_build_object('content-type', 'application/json'),
            convert_to(perdure._json_object(
                perdure._member('event', perdure._event_json(e)),
                perdure._member('job', json_build_object('id', j.slug, 'version', v.version)),
                perdure._member('run', json_build_object('id', r.id, 'isTest', r.is_test)),
                perdure._member('environment', o.environment),
                perdure._member('organization', o.organization),
                perdure._member('project', o.project),
                perdure._member('account', a.account)
            )::text, 'UTF8')
        )
    from perdure.runs as r
    inner join perdure.events as e on e.id = r.event_id
    inner join perdure.jobs as j on j.id = r.job_id
    inner join perdure.job_versions as v on v.id = r.job_version_id
    cross join lateral perdure._environment_json(r.environment_id) as o
    left join lateral (
        select json_build_object('id', x.identifier, 'metadata', x.metadata) as account
        from perdure.external_accounts as x
        where x.id = e.external_account_id
    ) as a on true
    where r.id = (p_delivery).subject_id and r.status = 'PENDING';
end;
comment on function perdure._preprocess_request(perdure.deliveries) is 'Which properties does a run have?';
