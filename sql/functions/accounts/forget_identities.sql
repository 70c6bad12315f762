-- forget_identities: let the next login by an OpenID provider with this email have the account, whoever it was before.
-- Returns    how many were forgotten.
-- Errors     JQ001 not_found: nobody has this email.
-- Locks      the user.
-- Called by  administrators.
create or replace function perdure.forget_identities(p_email text)
returns integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_user constant perdure.users := perdure._user_of_email(p_email);
    v_forgotten integer;
begin
    delete from perdure.identities as i where i.user_id = v_user.id;
    get diagnostics v_forgotten = row_count;
    if v_forgotten > 0 then
        perform perdure.audit(null::uuid, o.id, 'user.forget_identities', v_user.email)
        from perdure.list_organizations(v_user.id) as o;
    end if;
    return v_forgotten;
end;
$$;
comment on function perdure.forget_identities(text) is 'Let another login of the provider have an account.';
