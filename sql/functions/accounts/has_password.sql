-- has_password: whether somebody can log in with a password; others have an OpenID provider.
-- Called by  the dashboard.
create or replace function perdure.has_password(p_user_id uuid)
returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
return exists (select 1 from perdure.users as u where u.id = p_user_id and u.password_hash is not null);
comment on function perdure.has_password(uuid) is 'Whether somebody has a password.';
