-- take_oidc_login: the login by an OpenID provider that a browser comes back from; it is taken once.
-- Returns    the page to go on to; null: it was not begun, was taken, or has expired.
-- Called by  the dashboard.
create or replace function perdure.take_oidc_login(p_secret text)
returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_wanted text;
begin
    delete from perdure.oidc_logins as l
    where l.secret_hash = sha256(convert_to(p_secret, 'UTF8')) and l.expires_at > perdure.clock()
    returning l.wanted into v_wanted;
    return v_wanted;
end;
$$;
comment on function perdure.take_oidc_login(text) is 'The login that a browser comes back from.';
