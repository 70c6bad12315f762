-- audit: write down a change that somebody made. Call it in the transaction of the change, with what the views say
-- before and after it: both are kept, or neither.
-- Arguments  p_user_id         who; null: an administrator, in the database;
--            p_action          the kind of thing and what was done to it, such as run.cancel;
--            p_object          which one, for people, such as its id or slug;
--            p_before, p_after what of it changed; null: it was not there, it is gone. Never a secret;
--            p_environment_id  where it is; null: it concerns the organization.
-- Returns    the entry's id; later entries have greater ids.
-- Errors     JQ001 not_found: no such user, or the environment is no environment of the organization;
--            JQ010 invalid_argument: p_action is malformed, p_object is null.
-- Called by  the functions of this folder, and the dashboard with every change that it makes by others.
create or replace function perdure.audit(
    p_user_id uuid, p_organization_id uuid, p_action text, p_object text,
    p_before jsonb default null, p_after jsonb default null, p_environment_id uuid default null
)
returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_id constant uuid := perdure.new_id();
    v_email text := 'administrator';
begin
    if p_action is null or p_action !~ '^[a-z_]+\.[a-z_]+$' or p_object is null then
        raise exception using
            errcode = 'JQ010',
            message = format(
                'p_action must be such as run.cancel, not %s, and p_object must not be null', quote_nullable(p_action)
            );
    end if;
    if p_user_id is not null then
        select u.email into v_email from perdure.users as u where u.id = p_user_id;
        if not found then
            raise exception using errcode = 'JQ001', message = format('there is no user %s', p_user_id);
        end if;
    end if;
    if
        p_environment_id is not null and not exists (
            select 1
            from perdure.environments as e
            inner join perdure.projects as p on p.id = e.project_id
            where e.id = p_environment_id and p.organization_id = p_organization_id
        )
    then
        raise exception using
            errcode = 'JQ001',
            message = format('the organization has no environment %s', p_environment_id);
    end if;

    insert into perdure.audit_log (
        id, organization_id, environment_id, recorded_at, user_id, user_email, action, object, before, after
    )
    values (
        v_id, p_organization_id, p_environment_id, perdure.clock(), p_user_id, v_email, p_action, p_object,
        p_before, p_after
    );
    return v_id;
end;
$$;
comment on function perdure.audit(uuid, uuid, text, text, jsonb, jsonb, uuid) is 'Write down a change.';
