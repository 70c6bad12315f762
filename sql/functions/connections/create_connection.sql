-- create_connection: store an account at a service, or its new token; let the runs go on that waited for it, unless
-- they lack another one.
-- Arguments  p_account     the end user whose account it is; null: the developer's own;
--            p_connection  {type: 'oauth2' | 'apiKey', sealedToken: encrypted by the caller, scopes?,
--            additionalFields?, metadata?, expiresAt?}.
-- Returns    the connection, without its token.
-- Errors     JQ001 not_found: no such integration; JQ010 invalid_argument: names the member that is wrong.
-- Locks      the environment's integrations, in slug order; the runs that waited, in id order.
-- Called by  the server.
create or replace function perdure.create_connection(
    p_environment_id uuid, p_account text, p_integration_slug text, p_connection json
)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_shielded constant json := perdure._shield(p_connection);
    v_integration perdure.integrations;
    v_account_id uuid;
    v_connection perdure.connections;
    v_resolved_ids uuid[];
    v_run_ids uuid[];
    v_waiting_ids uuid[];
begin
    v_integration := perdure._find_integration(p_environment_id, p_integration_slug);
    perform perdure._check_connection(v_shielded);
    if p_account = '' then
        raise exception using errcode = 'JQ010', message = 'p_account must be null or a text that is not empty';
    end if;
    -- All of them, at once and in order: a run may need several, whose connections come at the same time.
    perform 1
    from perdure.integrations as g
    where g.environment_id = p_environment_id
    order by g.slug
    for update;

    v_account_id := perdure._upsert_external_account(p_environment_id, p_account);
    insert into perdure.connections as c (
        id, environment_id, integration_id, external_account_id, auth_type, sealed_token, scopes, additional_fields,
        metadata, expires_at, created_at, updated_at
    )
    values (
        perdure.new_id(), p_environment_id, v_integration.id, v_account_id, v_shielded ->> 'type',
        v_shielded ->> 'sealedToken',
        array(select json_array_elements_text(coalesce((v_shielded ->> 'scopes')::json, '[]'))),
        perdure._unshield((v_shielded ->> 'additionalFields')::json),
        perdure._unshield(v_shielded -> 'metadata'), perdure._to_instant(v_shielded ->> 'expiresAt'), v_now, v_now
    )
    on conflict (integration_id, (coalesce(external_account_id, '00000000-0000-0000-0000-000000000000'))) do update
    set
        auth_type = excluded.auth_type,
        sealed_token = excluded.sealed_token,
        scopes = excluded.scopes,
        additional_fields = excluded.additional_fields,
        metadata = excluded.metadata,
        expires_at = excluded.expires_at,
        updated_at = v_now
    returning c.* into v_connection;

    with resolved as (
        update perdure.missing_connections as m
        set resolved_at = v_now
        where
            m.integration_id = v_integration.id and m.external_account_id is not distinct from v_account_id
            and m.resolved_at is null
        returning m.id
    ),
    freed as (
        delete from perdure.missing_connection_runs as w
        using resolved as s
        where w.missing_connection_id = s.id
        returning w.run_id
    )
    select (select array_agg(s.id) from resolved as s), (select array_agg(f.run_id order by f.run_id) from freed as f)
    into v_resolved_ids, v_run_ids;
    if v_run_ids is not null then
        v_waiting_ids := perdure._await_connections(v_run_ids);
        perform perdure._release_runs(
            array(select r.id from unnest(v_run_ids) as r (id) where r.id <> all(v_waiting_ids))
        );
    end if;
    perform perdure._tell_missing_connections(v_resolved_ids);
    return perdure._connection_json(v_connection);
end;
$$;
comment on function perdure.create_connection(uuid, text, text, json) is 'Store an account at a service.';
