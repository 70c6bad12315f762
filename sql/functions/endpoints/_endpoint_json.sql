-- _endpoint_json: an endpoint as the API shows it. lastIndex is the last reading that has ended.
create or replace function perdure._endpoint_json(p_endpoint perdure.endpoints)
returns json
language sql stable
return (
    select
        perdure._json_object(
            perdure._member('id', to_json((p_endpoint).id)),
            perdure._member('slug', to_json((p_endpoint).slug)),
            perdure._member('url', to_json((p_endpoint).url)),
            perdure._member('timeoutMs', to_json((p_endpoint).timeout_ms)),
            perdure._member('environmentId', to_json((p_endpoint).environment_id)),
            perdure._member('organizationId', to_json(p.organization_id)),
            perdure._member('projectId', to_json(p.id)),
            perdure._member('createdAt', to_json(perdure._iso((p_endpoint).created_at))),
            perdure._member('updatedAt', to_json(perdure._iso((p_endpoint).updated_at))),
            perdure._member('indexingHookIdentifier', to_json((p_endpoint).indexing_hook_id)),
            perdure._member('enabled', to_json((p_endpoint).enabled)),
            perdure._member('sdk', case when (p_endpoint).sdk_name is not null then json_build_object(
                    'name', (p_endpoint).sdk_name, 'version', (p_endpoint).sdk_version
                )
            end),
            perdure._member('lastIndex', (
                select perdure._endpoint_index_json(i)
                from perdure.endpoint_indexes as i
                where i.endpoint_id = (p_endpoint).id and i.status in ('SUCCESS', 'FAILURE')
                order by i.updated_at desc, i.id desc
                limit 1
            ))
        )
    from perdure.environments as e
    inner join perdure.projects as p on p.id = e.project_id
    where e.id = (p_endpoint).environment_id
);
comment on function perdure._endpoint_json(perdure.endpoints) is 'An endpoint as the API shows it.';
