-- list_saved_filters: what somebody has saved in an environment, by name.
-- Called by  the dashboard.
create or replace function perdure.list_saved_filters(p_environment_id uuid, p_user_id uuid)
returns table (id uuid, name text, query text)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select s.id, s.name, s.query
    from perdure.saved_filters as s
    where s.environment_id = p_environment_id and s.user_id = p_user_id
    order by lower(s.name), s.id;
$$;
comment on function perdure.list_saved_filters(uuid, uuid) is 'What somebody has saved.';
