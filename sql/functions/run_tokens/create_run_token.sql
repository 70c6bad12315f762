-- create_run_token: a secret by which whoever holds it reads one run for a while: what a public key shows of it, and
-- nothing else. It is returned once and not stored. A run may have any number.
-- Arguments  p_lifetime  from 1 second to 30 days.
-- Returns    {token, expiresAt}.
-- Errors     JQ001 not_found; JQ010 invalid_argument: p_lifetime is null or out of range.
-- Locks      expired tokens, skip locked: each call forgets up to 100.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.create_run_token(
    p_environment_id uuid, p_run_id uuid, p_lifetime interval default '1 hour'
)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_run constant perdure.runs := perdure._find_run(p_environment_id, p_run_id);
    v_token text;
begin
    if p_lifetime is null or p_lifetime not between interval '1 second' and interval '30 days' then
        raise exception using
            errcode = 'JQ010',
            message = format(
                'the lifetime of a token must be from 1 second to 30 days, not %s', coalesce(p_lifetime::text, 'null')
            );
    end if;
    delete from perdure.run_tokens as t
    where t.token_hash in (
        select expired.token_hash
        from perdure.run_tokens as expired
        where expired.expires_at <= v_now
        order by expired.expires_at
        limit 100
        for update skip locked
    );

    select 'rt_' || e.slug || '_' || left(perdure._new_secret(), 40) into strict v_token
    from perdure.environments as e
    where e.id = p_environment_id;
    insert into perdure.run_tokens (token_hash, run_id, created_at, expires_at)
    values (sha256(convert_to(v_token, 'UTF8')), v_run.id, v_now, v_now + p_lifetime);
    return json_build_object('token', v_token, 'expiresAt', perdure._iso(v_now + p_lifetime));
end;
$$;
comment on function perdure.create_run_token(uuid, uuid, interval) is 'Make a token by which one run is read.';
