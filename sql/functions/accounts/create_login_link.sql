-- create_login_link: make a link that logs the first owner in, once, within a quarter of an hour. It is for who may do
-- everything in this database anyway.
-- Arguments  p_path  the page of the dashboard that it leads to.
-- Returns    the secret, which is not stored.
-- Errors     JQ002 wrong_state: there is no owner yet, or they are disabled; JQ010 invalid_argument: p_path is no path.
-- Called by  administrators: `perdure dev`, `perdure dashboard`.
create or replace function perdure.create_login_link(p_path text)
returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_secret constant text := left(perdure._new_secret(), 32);  -- so that the link fits on a line of a terminal
    v_user_id uuid;
begin
    if p_path is null or p_path !~ '^/[^/]' or length(p_path) > 1000 then
        raise exception using
            errcode = 'JQ010', message = format('p_path must begin with one "/", not be %s', quote_nullable(p_path));
    end if;
    select u.id into v_user_id from perdure.users as u where u.is_first_owner and u.disabled_at is null;
    if v_user_id is null then
        raise exception using errcode = 'JQ002', message = 'there is no owner yet, or their account is disabled';
    end if;
    delete from perdure.login_links as l where l.expires_at <= v_now;
    insert into perdure.login_links (secret_hash, path, created_at, expires_at)
    values (sha256(convert_to(v_secret, 'UTF8')), p_path, v_now, v_now + interval '15 minutes');
    perform perdure.audit(null::uuid, o.id, 'login_link.create', p_path)
    from perdure.list_organizations(v_user_id) as o;
    return v_secret;
end;
$$;
comment on function perdure.create_login_link(text) is 'Make a link that logs the first owner in.';
