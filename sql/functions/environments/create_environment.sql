-- create_environment: make another preview environment of a project, such as one for a branch, with a public key. The
-- same slug again changes nothing.
-- Arguments  p_organization, p_project  slugs; p_slug  2 to 20 small letters: keys contain it.
-- Returns    the environment's id.
-- Errors     JQ001 not_found: the organization has no such project; JQ004 key_conflict: the slug is that of an
--            environment of another type; JQ010 invalid_argument: p_slug is malformed.
-- Called by  the server, administrators.
create or replace function perdure.create_environment(p_organization text, p_project text, p_slug text)
returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_project_id uuid;
    v_id uuid;
    v_type text;
begin
    if p_slug is null or p_slug !~ '^[a-z]{2,20}$' then
        raise exception using
            errcode = 'JQ010',
            message = format('p_slug must be 2 to 20 small letters, not %s', quote_nullable(p_slug));
    end if;
    select p.id into v_project_id
    from perdure.projects as p
    inner join perdure.organizations as o on o.id = p.organization_id
    where p.slug = p_project and o.slug = p_organization;
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = format('there is no project %s in this organization', quote_nullable(p_project));
    end if;
    insert into perdure.environments (
        id, project_id, slug, type, shortcode, schedules_enabled, created_at, updated_at
    )
    values (
        perdure.new_id(), v_project_id, p_slug, 'PREVIEW', left(replace(gen_random_uuid()::text, '-', ''), 8), true,
        v_now, v_now
    )
    on conflict (project_id, slug) do nothing
    returning id into v_id;
    if v_id is not null then
        perform perdure.create_api_key(v_id, 'PUBLIC');
        return v_id;
    end if;
    select e.id, e.type into v_id, v_type
    from perdure.environments as e
    where e.project_id = v_project_id and e.slug = p_slug;
    if v_type <> 'PREVIEW' then
        raise exception using
            errcode = 'JQ004',
            message = format('p_slug %L is the %s environment of this project: choose another', p_slug, lower(v_type));
    end if;
    return v_id;
end;
$$;
comment on function perdure.create_environment(text, text, text) is 'Make another preview environment.';
