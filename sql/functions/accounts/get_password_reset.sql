-- get_password_reset: whose password a link sets.
-- Returns    one row; none: the link was used or replaced, or has expired, or they are disabled.
-- Called by  the dashboard.
create or replace function perdure.get_password_reset(p_secret text)
returns table (email text, name text)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select u.email, u.name
    from perdure.password_resets as r
    inner join perdure.users as u on u.id = r.user_id
    where
        r.secret_hash = sha256(convert_to(p_secret, 'UTF8')) and r.expires_at > perdure.clock()
        and u.disabled_at is null;
$$;
comment on function perdure.get_password_reset(text) is 'Whose password a link sets.';
