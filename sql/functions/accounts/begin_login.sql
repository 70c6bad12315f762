-- begin_login: count an attempt to log in, and give what its password is checked against. An attempt counts until
-- open_session says that it succeeded: those that are made at the same time cannot slip through together.
-- Arguments  p_address  where the request came from.
-- Returns    one row, whether there is such an account or not: user_id and password_hash, null when there is none or
--            it is disabled; retry_after_s, null: go on; else too many have failed (10 of an email or 50 of an address
--            within 15 minutes), and the password must not be looked at.
-- Errors     JQ010 invalid_argument: p_email or p_address is null or too long.
-- Locks      the attempts of the email, then of the address, for this call (advisory).
-- Called by  the dashboard.
create or replace function perdure.begin_login(p_email text, p_address text)
returns table (user_id uuid, password_hash text, retry_after_s integer)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_window constant interval := interval '15 minutes';
    v_now constant timestamptz := perdure.clock();
    v_email constant text := lower(p_email);
    v_free_at timestamptz;
begin
    if p_email is null or length(p_email) > 254 or p_address is null or length(p_address) > 100 then
        raise exception using errcode = 'JQ010', message = 'p_email and p_address must be texts of reasonable length';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('perdure login email ' || v_email, 0));
    perform pg_advisory_xact_lock(hashtextextended('perdure login address ' || p_address, 0));

    delete from perdure.login_attempts as a
    where a.id in (
        select b.id from perdure.login_attempts as b
        where b.attempted_at <= v_now - v_window
        order by b.attempted_at
        limit 100
        for update skip locked
    );

    -- The attempt by whose end there are few enough again.
    select max(s.attempted_at) + v_window into v_free_at
    from (
        (
            select a.attempted_at from perdure.login_attempts as a
            where a.email = v_email and a.attempted_at > v_now - v_window
            order by a.attempted_at desc
            offset 9 limit 1
        )
        union all
        (
            select a.attempted_at from perdure.login_attempts as a
            where a.address = p_address and a.attempted_at > v_now - v_window
            order by a.attempted_at desc
            offset 49 limit 1
        )
    ) as s;
    if v_free_at is not null then
        return query
        select null::uuid, null::text, greatest(1, ceil(extract(epoch from v_free_at - v_now)))::integer;
        return;
    end if;

    insert into perdure.login_attempts (id, email, address, attempted_at)
    values (perdure.new_id(), v_email, p_address, v_now);
    return query
    select u.id, u.password_hash, null::integer
    from (values (v_email)) as g (email)
    left join perdure.users as u on lower(u.email) = g.email and u.disabled_at is null;
end;
$$;
comment on function perdure.begin_login(text, text) is 'Count an attempt to log in; what to check it against.';
