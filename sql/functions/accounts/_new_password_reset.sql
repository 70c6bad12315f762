-- _new_password_reset: make a link by which somebody chooses a password; it holds for a day and replaces an older one.
-- Arguments  p_actor_id  who makes it, for the audit log; null: an administrator, in the database.
-- Returns    the secret of the link, which is not stored.
-- Errors     JQ002 wrong_state: they are disabled.
-- Locks      the link.
create or replace function perdure._new_password_reset(p_actor_id uuid, p_user perdure.users)
returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_secret constant text := perdure._new_secret();
begin
    if p_user.disabled_at is not null then
        raise exception using errcode = 'JQ002', message = format('the account of %s is disabled', p_user.email);
    end if;
    insert into perdure.password_resets (user_id, secret_hash, created_at, expires_at)
    values (p_user.id, sha256(convert_to(v_secret, 'UTF8')), v_now, v_now + interval '1 day')
    on conflict (user_id) do update
    set secret_hash = excluded.secret_hash, created_at = excluded.created_at, expires_at = excluded.expires_at;
    perform perdure.audit(p_actor_id, o.id, 'password_reset.create', p_user.email)
    from perdure.list_organizations(p_user.id) as o;
    return v_secret;
end;
$$;
comment on function perdure._new_password_reset(uuid, perdure.users) is 'Make a link to choose a password.';
