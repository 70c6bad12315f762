-- get_owner_link: whether the link of the first owner can be used.
-- Returns    whether a first organization has to be named; null: the link was used or has expired.
-- Called by  the dashboard.
create or replace function perdure.get_owner_link(p_secret text)
returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select not exists (select 1 from perdure.organizations as o)
    from perdure.owner_links as l
    where l.secret_hash = sha256(convert_to(p_secret, 'UTF8')) and l.expires_at > perdure.clock();
$$;
comment on function perdure.get_owner_link(text) is 'Whether the link of the first owner can be used.';
