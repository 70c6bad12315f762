-- close_session: log out.
-- Returns    true when this call ended the session, false when there was none.
-- Called by  the dashboard.
create or replace function perdure.close_session(p_token text)
returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    update perdure.sessions as s set revoked_at = perdure.clock()
    where s.token_hash = sha256(convert_to(p_token, 'UTF8')) and s.revoked_at is null;
    return found;
end;
$$;
comment on function perdure.close_session(text) is 'Log out.';
