-- create_owner: make the first owner, by the link that the server shows at its start. The owner owns every
-- organization; where there is none yet, a first one is made.
-- Arguments  p_password_hash  by argon2id; p_organization  slug of the first organization; not read where there are
--            some.
-- Returns    the user's id.
-- Errors     JQ001 not_found: the link was used or has expired, or there is an owner; JQ004 key_conflict: the email has
--            an account; JQ010 invalid_argument: a malformed email, name, hash or slug.
-- Locks      the link.
-- Called by  the dashboard.
create or replace function perdure.create_owner(
    p_secret text, p_email text, p_name text, p_password_hash text, p_organization text default 'main'
)
returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_user_id constant uuid := perdure.new_id();
begin
    perform perdure._check_account(p_email, p_name, p_password_hash);
    delete from perdure.owner_links as l
    where l.secret_hash = sha256(convert_to(p_secret, 'UTF8')) and l.expires_at > v_now;
    if not found then
        raise exception using
            errcode = 'JQ001', message = 'this link was used or has expired: restart the server for a new one';
    end if;

    insert into perdure.users (id, email, name, password_hash, is_first_owner, created_at)
    values (v_user_id, p_email, btrim(p_name), p_password_hash, true, v_now)
    on conflict do nothing;
    if not found then
        raise exception using
            errcode = 'JQ004', message = 'there is an owner, or an account of this email: log in';
    end if;
    delete from perdure.owner_links as l where l.expires_at is not null;  -- every other link

    if not exists (select 1 from perdure.organizations as o) then
        perform perdure._check_slug('the organization', p_organization);
        insert into perdure.organizations (id, slug, title, created_at, updated_at)
        values (perdure.new_id(), p_organization, p_organization, v_now, v_now)
        on conflict (slug) do nothing;
    end if;
    perform perdure.audit(
        v_user_id, o.id, 'owner.create', p_email, null::jsonb, jsonb_build_object('role', 'owner')
    )
    from perdure.organizations as o;
    return v_user_id;
end;
$$;
comment on function perdure.create_owner(text, text, text, text, text) is 'Make the first owner.';
