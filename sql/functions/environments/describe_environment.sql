-- describe_environment: an environment with its project and organization, as GET /api/v1/whoami shows it.
-- Returns    {id, slug, type, createdAt, updatedAt, pkApiKey, project, organization}; pkApiKey is the newest public
--            key in force, empty when there is none.
-- Errors     JQ001 not_found.
-- Called by  the server.
create or replace function perdure.describe_environment(p_environment_id uuid)
returns json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_description json;
begin
    select json_build_object(
        'id', e.id,
        'slug', e.slug,
        'type', e.type,
        'createdAt', perdure._iso(e.created_at),
        'updatedAt', perdure._iso(e.updated_at),
        'pkApiKey', coalesce((
            select k.public_key
            from perdure.api_keys as k
            where
                k.environment_id = e.id and k.kind = 'PUBLIC' and k.revoked_at is null
                and (k.expires_at is null or k.expires_at > perdure.clock())
            order by k.id desc
            limit 1
        ), ''),
        'project', json_build_object(
            'id', p.id,
            'slug', p.slug,
            'name', p.name,
            'createdAt', perdure._iso(p.created_at),
            'updatedAt', perdure._iso(p.updated_at)
        ),
        'organization', json_build_object(
            'id', o.id,
            'slug', o.slug,
            'title', o.title,
            'createdAt', perdure._iso(o.created_at),
            'updatedAt', perdure._iso(o.updated_at)
        )
    ) into v_description
    from perdure.environments as e
    inner join perdure.projects as p on p.id = e.project_id
    inner join perdure.organizations as o on o.id = p.organization_id
    where e.id = p_environment_id;
    if v_description is null then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no environment %s', coalesce(p_environment_id::text, 'null'));
    end if;
    return v_description;
end;
$$;
comment on function perdure.describe_environment(uuid) is 'An environment with its project and organization.';
