-- take_login_link: use a link that logs the first owner in; it is of no use afterwards.
-- Returns    one row: whose session to open, and the page to go on to; none: the link was used or has expired, or the
--            owner is disabled.
-- Locks      the link.
-- Called by  the dashboard.
create or replace function perdure.take_login_link(p_secret text)
returns table (user_id uuid, path text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_path text;
    v_user_id uuid;
begin
    delete from perdure.login_links as l
    where l.secret_hash = sha256(convert_to(p_secret, 'UTF8')) and l.expires_at > perdure.clock()
    returning l.path into v_path;
    select u.id into v_user_id from perdure.users as u where u.is_first_owner and u.disabled_at is null;
    if v_path is not null and v_user_id is not null then
        perform perdure.audit(v_user_id, o.id, 'login_link.use', v_path)
        from perdure.list_organizations(v_user_id) as o;
        return query select v_user_id, v_path;
    end if;
end;
$$;
comment on function perdure.take_login_link(text) is 'Use a link that logs the first owner in.';
