-- _check_environment: refuse an environment that is not there.
-- Errors     JQ001 not_found.
-- Called by  _store_events, connect_endpoint.
create or replace function perdure._check_environment(p_environment_id uuid)
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select 1 from perdure.environments as e where e.id = p_environment_id) then
        raise exception using
            errcode = 'JQ001', message = format('there is no environment %s', coalesce(p_environment_id::text, 'null'));
    end if;
end;
$$;
comment on function perdure._check_environment(uuid) is 'Refuse an environment that is not there.';
