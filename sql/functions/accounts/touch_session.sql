-- touch_session: whose session it is; it has been seen now, to a minute.
-- Returns    one row; none: there is no such session, or it has ended: logged out, 7 days without a request, 30 days.
-- Called by  the dashboard, at every request.
create or replace function perdure.touch_session(p_token text)
returns table (user_id uuid, email text, name text, is_first_owner boolean)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := perdure.clock();
    v_session perdure.sessions;
begin
    select * into v_session
    from perdure.sessions as s
    where
        s.token_hash = sha256(convert_to(p_token, 'UTF8'))
        and s.revoked_at is null and s.expires_at > v_now and s.last_seen_at > v_now - interval '7 days';
    if v_session.id is null then
        return;
    end if;
    if v_session.last_seen_at <= v_now - interval '1 minute' then
        update perdure.sessions as s set last_seen_at = v_now where s.id = v_session.id;
    end if;
    return query
    select u.id, u.email, u.name, u.is_first_owner
    from perdure.users as u
    where u.id = v_session.user_id and u.disabled_at is null;
end;
$$;
comment on function perdure.touch_session(text) is 'Whose session it is.';
