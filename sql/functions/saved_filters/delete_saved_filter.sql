-- delete_saved_filter: forget what somebody has saved.
-- Errors     JQ001 not_found, also for what somebody else has saved.
-- Called by  the dashboard.
create or replace function perdure.delete_saved_filter(p_environment_id uuid, p_user_id uuid, p_filter_id uuid)
returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    delete from perdure.saved_filters as s
    where s.id = p_filter_id and s.environment_id = p_environment_id and s.user_id = p_user_id;
    if not found then
        raise exception using errcode = 'JQ001', message = format('you have no saved filter %s here', p_filter_id);
    end if;
end;
$$;
comment on function perdure.delete_saved_filter(uuid, uuid, uuid) is 'Forget what somebody has saved.';
