-- get_environment: the id of a project's environment.
-- Arguments  p_project  slug; p_slug  dev, stg, prod or prev.
-- Errors     JQ001 not_found.
create or replace function perdure.get_environment(p_project text, p_slug text)
returns uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
begin
    select e.id into v_id
    from perdure.environments as e
    inner join perdure.projects as p on p.id = e.project_id
    where p.slug = p_project and e.slug = p_slug;
    if v_id is null then
        raise exception using
            errcode = 'JQ001',
            message = format(
                'there is no environment %s in project %s', quote_nullable(p_slug), quote_nullable(p_project)
            ),
            hint = 'select perdure.create_project(organization, project) makes dev, stg, prod and prev';
    end if;
    return v_id;
end;
$$;
comment on function perdure.get_environment(text, text) is 'The id of a project''s environment.';
