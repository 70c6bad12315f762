-- _await_connections: let runs wait that need a connection which is not there. The first run that lacks it has the app
-- told, by an event.
-- Arguments  p_run_ids  PENDING or WAITING_ON_CONNECTIONS; others are passed over.
-- Returns    those that wait now.
-- Locks      the integrations that they need, shared, in (environment_id, slug) order: create_connection comes before
--            or after; then the runs that lack something, in id order.
-- Called by  _release_runs, create_connection.
create or replace function perdure._await_connections(p_run_ids uuid[])
returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_new_ids uuid[];
    v_waiting_ids uuid[];
begin
    perform 1
    from perdure.integrations as g
    where
        g.id in (
            select n.id
            from perdure.runs as r
            inner join perdure.job_versions as v on v.id = r.job_version_id
            inner join perdure.integrations as n
                on n.environment_id = r.environment_id and n.slug = any(v.hosted_integrations)
            where r.id = any(p_run_ids)
        )
    order by g.environment_id, g.slug
    for key share;

    with locked as (
        select r.id
        from perdure.runs as r
        where
            r.id in (select l.run_id from perdure._lacking_connections(p_run_ids) as l)
            and r.status in ('PENDING', 'WAITING_ON_CONNECTIONS')
        order by r.id
        for update
    ),
    waiting as (
        update perdure.runs as r
        set status = 'WAITING_ON_CONNECTIONS', updated_at = perdure.clock()
        from locked as l
        where r.id = l.id
        returning r.id
    )
    select coalesce(array_agg(w.id order by w.id), '{}') into v_waiting_ids from waiting as w;
    if v_waiting_ids = '{}' then
        return v_waiting_ids;
    end if;

    with noted as (
        insert into perdure.missing_connections (
            id, environment_id, integration_id, external_account_id, created_at
        )
        select perdure.new_id(), l.environment_id, l.integration_id, l.external_account_id, perdure.clock()
        from (
            select distinct l.environment_id, l.integration_id, l.external_account_id
            from perdure._lacking_connections(v_waiting_ids) as l
        ) as l
        order by l.integration_id, l.external_account_id
        on conflict (
            integration_id, (coalesce(external_account_id, '00000000-0000-0000-0000-000000000000'))
        ) where resolved_at is null do nothing
        returning id
    )
    select array_agg(n.id) into v_new_ids from noted as n;

    insert into perdure.missing_connection_runs (missing_connection_id, run_id)
    select m.id, l.run_id
    from perdure._lacking_connections(v_waiting_ids) as l
    inner join perdure.missing_connections as m
        on m.integration_id = l.integration_id
        and coalesce(m.external_account_id, '00000000-0000-0000-0000-000000000000')
        = coalesce(l.external_account_id, '00000000-0000-0000-0000-000000000000')
        and m.resolved_at is null
    on conflict do nothing;

    perform perdure._tell_missing_connections(v_new_ids);
    return v_waiting_ids;
end;
$$;
comment on function perdure._await_connections(uuid[]) is 'Let runs wait that lack a connection.';
