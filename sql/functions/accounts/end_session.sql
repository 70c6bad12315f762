-- end_session: log somebody out in one place.
-- Returns    true when this call ended the session, false when they have no such session.
-- Called by  the dashboard.
create or replace function perdure.end_session(p_user_id uuid, p_session_id uuid)
returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    update perdure.sessions as s set revoked_at = perdure.clock()
    where s.id = p_session_id and s.user_id = p_user_id and s.revoked_at is null;
    return found;
end;
$$;
comment on function perdure.end_session(uuid, uuid) is 'Log somebody out in one place.';
