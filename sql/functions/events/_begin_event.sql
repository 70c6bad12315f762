-- _begin_event: store a lone event that starts one run, which needs no closer look (plain_start), and begin that run,
-- as _store_events does for any number. Nearly all calls of an app that is not busy are such. What counts there is how
-- much is touched: two statements of a few nodes each, in place of one with seventy.
-- Arguments  p_events  text of a JSON array;
--            p_environment_id, p_dispatcher, p_lease_margin, p_endpoint_ids, p_minimal  as _store_events.
-- Returns    null: the call is something else, and nothing was done: that is for _store_events to do, or to refuse.
-- Locks      an event of this id.
-- Called by  send_and_claim.
create or replace function perdure._begin_event(
    p_environment_id uuid, p_events json, p_dispatcher text, p_lease_margin interval, p_endpoint_ids uuid[],
    p_minimal boolean
)
returns perdure.sent_events
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_ticks constant bigint := perdure._id_now();
    v_tail constant text := perdure._id_tail();
    v_row_id constant uuid := perdure._id_at(v_ticks + 1, v_tail);
    v_run_id constant uuid := perdure._id_at(v_ticks + 2, v_tail);
    v_is_connected constant boolean := p_endpoint_ids is not null;
    v_documents constant json := perdure._shield(p_events);
    v_event perdure.event_message;
    v_source text;
    v_start record;
    v_answer text;
begin
    if left(p_events::text, 2) <> '[{' or current_setting('transaction_isolation') <> 'read committed' then
        return null;
    end if;
    v_event := json_populate_record(null::perdure.event_message, v_documents -> 0);
    v_source := coalesce(v_event.source, 'trigger.dev');
    if v_documents -> 1 is not null or v_event.name = '' or coalesce(octet_length(v_event.id), 1) not between 1 and 1000
        or coalesce(v_event."timestamp", v_event."payloadType", v_event."isTest") is not null
    then
        return null;
    end if;

    select
        p.id as endpoint_id, p.url, p.timeout_ms, p.api_key_id, (n.plain_start).job_id, (n.plain_start).job_version_id,
        (n.plain_start).members,
        perdure._chunk_limit_ms(p.connected, p.execution_limit_ms, p.timeout_ms) as chunk_limit_ms,
        (
            select k.signing_secrets
            from perdure._signing_secrets(p_environment_id) as k
            where not v_is_connected
        ) as signing_secrets
    into v_start
    from perdure.event_dispatcher_names as n
    inner join perdure.endpoints as p on p.id = (n.plain_start).endpoint_id
    where
        n.environment_id = p_environment_id and n.event_name = v_event.name and n.source = v_source
        and (n.plain_start).payload_filter is null and (n.plain_start).context_filter is null
        and p.connected = v_is_connected and (not v_is_connected or p.id = any(p_endpoint_ids))
        and not exists (
            select 1
            from perdure.event_dispatcher_names as x
            where
                x.environment_id = p_environment_id and x.event_name = v_event.name and x.source = v_source
                and x.event_dispatcher_id <> n.event_dispatcher_id
        );
    if not found then
        return null;
    end if;

    with stored as (
        insert into perdure.events as e (
            id, environment_id, event_id, name, source, payload, payload_type, context, dynamic_source_key,
            source_context, is_test, happened_at, deliver_at, delivered_at, created_at, updated_at
        )
        values (
            v_row_id, p_environment_id, coalesce(v_event.id, v_row_id::text), v_event.name, v_source,
            coalesce(perdure._unshield(v_event.payload), '{}'), 'JSON',
            coalesce(perdure._unshield(v_event.context), '{}'), v_event."dynamicSourceKey",
            perdure._unshield(v_event."sourceContext"), false, v_now, v_now, v_now, v_now, v_now
        )
        on conflict (environment_id, event_id) do nothing
        returning perdure._event_text(e) as answer
    ),
    created as (
        insert into perdure.runs (
            id, environment_id, job_id, job_version_id, endpoint_id, event_id, status, is_test, created_at, updated_at,
            lease_number, started_at, dispatcher
        )
        select
            v_run_id, p_environment_id, v_start.job_id, v_start.job_version_id, v_start.endpoint_id, v_row_id,
            'EXECUTING', false, v_now, v_now, 1, v_now, p_dispatcher
        from stored
    ),
    leased as (
        insert into perdure.leases (run_id, lease_number, claimed_at, expires_at)
        select
            v_run_id, 1, v_now,
            v_now + p_lease_margin + case
                when v_is_connected then interval '0' else make_interval(secs => v_start.timeout_ms / 1000.0)
            end
        from stored
    )
    select s.answer
    into v_answer
    from stored as s;
    if not found then  -- it has been sent before
        return null;
    end if;
    return row(
        case when not p_minimal then array[v_answer] end,
        null,
        array[
            row(
                v_run_id, 1, v_start.endpoint_id, v_start.url, v_start.timeout_ms,
                coalesce(v_start.signing_secrets, '{}'),
                case when v_start.api_key_id is not null then perdure._sealed_key(v_start.api_key_id) end, null,
                perdure._execution_text(
                    v_answer, v_start.members, v_start.chunk_limit_ms, v_run_id, false, perdure._iso(v_now), null,
                    perdure._unshield(v_event."sourceContext"), null, null, 1
                )
            )::perdure.claimed_run
        ],
        1
    )::perdure.sent_events;
end;
$$;
comment on function perdure._begin_event(uuid, json, text, interval, uuid[], boolean)
is 'Store a lone event, and begin the run that it starts.';
