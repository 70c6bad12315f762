-- begin_oidc_login: send a browser to an OpenID provider; what comes back within ten minutes is believed once.
-- Arguments  p_wanted  the page to go on to.
-- Returns    a secret for the browser to keep, which is not stored.
-- Errors     JQ010 invalid_argument: p_wanted is null or too long.
-- Called by  the dashboard.
create or replace function perdure.begin_oidc_login(p_wanted text)
returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_secret constant text := perdure._new_secret();
begin
    if p_wanted is null or length(p_wanted) > 8000 then
        raise exception using errcode = 'JQ010', message = 'p_wanted must be a path of reasonable length';
    end if;
    delete from perdure.oidc_logins as l
    where l.secret_hash in (
        select o.secret_hash from perdure.oidc_logins as o
        where o.expires_at <= v_now
        order by o.expires_at
        limit 100
        for update skip locked
    );
    insert into perdure.oidc_logins (secret_hash, wanted, expires_at)
    values (sha256(convert_to(v_secret, 'UTF8')), p_wanted, v_now + interval '10 minutes');
    return v_secret;
end;
$$;
comment on function perdure.begin_oidc_login(text) is 'Send a browser to an OpenID provider.';
