-- log_in_identity: whose account it is that an OpenID provider vouches for: of the identity, else of its email, else a
-- new one of who is invited by this email, or of anybody where p_organization says so. Open invitations of the email
-- are accepted by it. Nobody else gets in.
-- Arguments  p_issuer, p_subject  the provider, and its own id of them;
--            p_email         that the provider has verified: the caller has looked;
--            p_name          of a new account; what cannot be one is replaced by the email;
--            p_organization  slug of the organization that new people join, p_role in which role; null: they need an
--            invitation.
-- Returns    the user's id.
-- Errors     JQ001 not_found: there is no such account and no invitation, or no such organization; JQ002 wrong_state:
--            the account is disabled; JQ004 key_conflict: another identity of the provider has the account; JQ010
--            invalid_argument: a malformed issuer, subject or email, an unknown role.
-- Locks      the email, for this call (advisory); the user; its invitations.
-- Called by  the dashboard.
create or replace function perdure.log_in_identity(
    p_issuer text, p_subject text, p_email text, p_name text, p_organization text default null,
    p_role text default null
)
returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_user perdure.users;
    v_organization_id uuid;
    v_invitation perdure.invitations;
begin
    if p_issuer is null or length(p_issuer) > 1000 or coalesce(length(p_subject), 0) not between 1 and 1000 then
        raise exception using
            errcode = 'JQ010', message = 'p_issuer and p_subject must be texts of 1 to 1000 characters';
    end if;
    perform perdure._check_email(p_email);
    if p_organization is not null then
        select o.id into v_organization_id from perdure.organizations as o where o.slug = p_organization;
        if v_organization_id is null then
            raise exception using
                errcode = 'JQ001', message = format('there is no organization %s', quote_literal(p_organization));
        end if;
        perform perdure._check_role('admin', p_role);
    end if;

    perform pg_advisory_xact_lock(hashtextextended('perdure identity of ' || lower(p_email), 0));
    select u.* into v_user
    from perdure.users as u
    left join perdure.identities as i on i.user_id = u.id and i.issuer = p_issuer and i.subject = p_subject
    where i.user_id is not null or lower(u.email) = lower(p_email)
    order by i.user_id is null
    limit 1
    for update of u;

    if v_user.id is null then
        if v_organization_id is null and not exists (
            select 1 from perdure.invitations as i
            where lower(i.email) = lower(p_email) and i.closed_at is null and i.expires_at > v_now
        ) then
            raise exception using
                errcode = 'JQ001',
                message = format('nobody has invited %s: ask an owner or admin for an invitation', p_email);
        end if;
        insert into perdure.users (id, email, name, is_first_owner, created_at)
        values (
            perdure.new_id(), p_email, case when perdure._is_name(p_name) then p_name else left(p_email, 100) end,
            false, v_now
        )
        returning * into v_user;
        if v_organization_id is not null then
            perform perdure._join(v_user.id, v_organization_id, p_role, 'member.join', p_email);
        end if;
    elsif v_user.disabled_at is not null then
        raise exception using errcode = 'JQ002', message = format('the account of %s is disabled', v_user.email);
    end if;

    insert into perdure.identities (issuer, subject, user_id, created_at)
    values (p_issuer, p_subject, v_user.id, v_now)
    on conflict do nothing;
    if not exists (
        select 1 from perdure.identities as i
        where i.issuer = p_issuer and i.subject = p_subject and i.user_id = v_user.id
    ) then
        raise exception using
            errcode = 'JQ004',
            message = format(
                'the account of %s was opened as another person of the provider before: an administrator can change '
                'that, with perdure.forget_identities', v_user.email
            );
    end if;

    for v_invitation in
        update perdure.invitations as i set closed_at = v_now, accepted_by = v_user.id
        where lower(i.email) = lower(p_email) and i.closed_at is null and i.expires_at > v_now
        returning i.*
    loop
        perform perdure._join(
            v_user.id, v_invitation.organization_id, v_invitation.role, 'invitation.accept', v_invitation.email
        );
    end loop;
    return v_user.id;
end;
$$;
comment on function perdure.log_in_identity(text, text, text, text, text, text) is
'Whose account it is that an OpenID provider vouches for.';
