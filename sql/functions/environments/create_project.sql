-- create_project: make a project with its four environments, each with a public key (a secret one is shown once, so
-- it is made for who asks: create_api_key); calling again changes nothing but the name.
-- Arguments  p_organization, p_project  slugs, as in _check_slug; p_name  shown to people; null: the slug, or
--            as before.
-- Returns    the project's id.
-- Errors     JQ004 key_conflict: another organization has a project of this slug; JQ010 invalid_argument: a
--            slug is malformed.
-- Called by  administrators, `perdure dev`.
create or replace function perdure.create_project(p_organization text, p_project text, p_name text default null)
returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_organization_id uuid;
    v_project_id uuid;
    v_environment_id uuid;
begin
    perform perdure._check_slug('p_organization', p_organization);
    perform perdure._check_slug('p_project', p_project);

    insert into perdure.organizations (id, slug, title, created_at, updated_at)
    values (perdure.new_id(), p_organization, p_organization, v_now, v_now)
    on conflict (slug) do nothing;
    select o.id into strict v_organization_id from perdure.organizations as o where o.slug = p_organization;

    insert into perdure.projects (id, organization_id, slug, name, created_at, updated_at)
    values (perdure.new_id(), v_organization_id, p_project, coalesce(p_name, p_project), v_now, v_now)
    on conflict (slug) do update
    set
        name = coalesce(p_name, projects.name),
        updated_at = case when projects.name <> p_name then v_now else projects.updated_at end
    where projects.organization_id = v_organization_id
    returning projects.id into v_project_id;
    if v_project_id is null then
        raise exception using
            errcode = 'JQ004',
            message = format('p_project %L is a project of another organization: choose another slug', p_project);
    end if;

    for v_environment_id in
        insert into perdure.environments (
            id, project_id, slug, type, shortcode, schedules_enabled, created_at, updated_at
        )
        select
            perdure.new_id(), v_project_id, e.slug, e.type, left(replace(gen_random_uuid()::text, '-', ''), 8),
            e.type <> 'DEVELOPMENT', v_now, v_now
        from (
            values ('dev', 'DEVELOPMENT'), ('stg', 'STAGING'), ('prod', 'PRODUCTION'), ('prev', 'PREVIEW')
        ) as e (slug, type)
        on conflict (project_id, slug) do nothing
        returning id
    loop
        perform perdure.create_api_key(v_environment_id, 'PUBLIC');
    end loop;

    return v_project_id;
end;
$$;
comment on function perdure.create_project(text, text, text) is 'Make a project with its environments.';
