-- _store_events: store events: those of a call, which says what they are. The runs of those whose subscriptions ask for
-- no closer look (plain_start) begin as claimed, as far as there are slots, all of an event or none: they have a lease,
-- and were never in a queue. What the other events bring about is the caller's to do.
-- Arguments  p_environment_id, p_events, p_options  as send_events;
--            p_slots  how many runs may begin: the first ones; 0: none, and the rest may be null:
--            p_dispatcher, p_lease_margin, p_endpoint_ids  as claim_runs;
--            p_minimal  nobody wants to know how the events are stored: no answers.
-- Errors     JQ010 invalid_argument: names the element and member; others as send_events.
-- Locks      events of these ids, in the order of event_id.
-- Called by  send_events, send_and_claim.
create or replace function perdure._store_events(
    p_environment_id uuid, p_events json, p_options json, p_slots integer, p_dispatcher text, p_lease_margin interval,
    p_endpoint_ids uuid[], p_minimal boolean
)
returns perdure.sent_events
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_started_at constant text := perdure._iso(v_now);
    v_ticks constant bigint := perdure._id_now();
    v_tail constant text := perdure._id_tail();
    v_events constant json := perdure._shield(p_events);
    v_deliver_at timestamptz := v_now;
    v_due_at timestamptz;  -- null: delivered at once
    v_account_id uuid;
    v_tags text[];
    v_metadata jsonb;
    v_problem text;
    v_is_connected constant boolean := p_endpoint_ids is not null;
    v_slots integer := p_slots;
    v_count integer;
    v_sent perdure.sent_events;
begin
    if p_options::text <> '{}' then
        perform perdure._check_environment(p_environment_id);
        v_problem := perdure._send_options_problem(p_options);
        if v_problem is not null then
            raise exception using errcode = 'JQ010', message = v_problem;
        end if;
        v_deliver_at := coalesce(
            (p_options ->> 'deliverAt')::timestamptz,
            v_now + make_interval(secs => (p_options ->> 'deliverAfter')::double precision),
            v_now
        );
        v_account_id := perdure._upsert_external_account(p_environment_id, p_options ->> 'accountId');
        v_tags := perdure._tag_list(p_options -> 'tags');
        v_metadata := perdure._first_metadata(p_options -> 'metadata');
        if coalesce(v_tags::text, v_metadata::text) is not null then
            v_slots := 0;
        end if;
    end if;
    if v_deliver_at > v_now or current_setting('transaction_isolation') <> 'read committed' then
        v_due_at := v_deliver_at;
    end if;

    if json_typeof(p_events) is distinct from 'array' then
        raise exception using
            errcode = 'JQ010',
            message = 'p_events must be a JSON array of events, such as [{"name": "user.created"}]';
    end if;
    v_count := json_array_length(v_events);
    with stored as materialized (
        insert into perdure.events as e (
            id, environment_id, event_id, name, source, payload, payload_type, context, external_account_id,
            dynamic_source_key, source_context, run_tags, run_metadata, is_test, happened_at, deliver_at, due_at,
            delivered_at, created_at, updated_at
        )
        select
            f.row_id, p_environment_id, f.event_id, (f.event).name, coalesce((f.event).source, 'trigger.dev'),
            coalesce(perdure._unshield((f.event).payload), '{}'), coalesce((f.event)."payloadType", 'JSON'),
            coalesce(perdure._unshield((f.event).context), '{}'), v_account_id, (f.event)."dynamicSourceKey",
            perdure._unshield((f.event)."sourceContext"), v_tags, v_metadata,
            coalesce((f.event)."isTest"::boolean, false), coalesce((f.event)."timestamp"::timestamptz, v_now),
            v_deliver_at, v_due_at, case when v_due_at is null then v_now end, v_now, v_now
        from (
            -- Ids ascend in the order of the events; rows are locked in the order of event ids, so that two
            -- calls cannot wait for each other.
            select distinct on (i.event_id collate "C") i.event_id, i.row_id, i.event
            from perdure._sent_events(v_events, v_ticks, v_tail) as i
            order by i.event_id collate "C", i.row_id
        ) as f
        where exists (select 1 from perdure.environments as n where n.id = p_environment_id)
        on conflict (environment_id, event_id) do update
        set
            payload = excluded.payload,
            context = excluded.context,
            run_tags = excluded.run_tags,
            run_metadata = excluded.run_metadata,
            deliver_at = excluded.deliver_at,
            due_at = excluded.deliver_at,
            updated_at = v_now
        where e.due_at is not null and excluded.deliver_at >= v_now + interval '5 seconds'
        returning
            e.id, e.name, e.source, e.payload, e.payload_type, e.context, e.external_account_id, e.source_context,
            e.is_test, e.due_at, case when v_slots > 0 or not p_minimal then perdure._event_text(e) end as event
    ),
    -- A row for each event that is due, and each subscription to it that it does not fail to match by a filter.
    started as (
        select
            s.id as event_id, s.event, s.external_account_id, s.source_context, s.is_test, n.plain_start,
            p.id as endpoint_id, p.url, p.timeout_ms, p.api_key_id,
            perdure._chunk_limit_ms(p.connected, p.execution_limit_ms, p.timeout_ms) as chunk_limit_ms,
            coalesce(
                p.connected = v_is_connected and (not v_is_connected or p.id = any(p_endpoint_ids)), false
            ) as is_plain
        from stored as s
        -- offset and limit keep these look-ups by index, whatever the planner thinks of how few rows there are.
        cross join lateral (
            select x.plain_start, (x.plain_start).endpoint_id
            from perdure.event_dispatcher_names as x
            where x.environment_id = p_environment_id and x.event_name = s.name and x.source = s.source
            offset 0
        ) as n
        left join lateral (
            select x.* from perdure.endpoints as x where x.id = n.endpoint_id limit 1
        ) as p on true
        where
            v_slots > 0 and s.due_at is null
            and (
                ((n.plain_start).payload_filter is null and (n.plain_start).context_filter is null)
                or perdure._passes_filters(
                    s.payload_type, perdure._to_jsonb(s.payload), perdure._to_jsonb(s.context),
                    (n.plain_start).payload_filter, (n.plain_start).context_filter
                )
            )
    ),
    -- Those that begin have an id.
    given as materialized (
        select
            x.*,
            case
                when x.is_plain_event and x.through <= v_slots
                    then perdure._id_at(v_ticks + v_count + x.ordinal, v_tail)  -- those before are the events'
            end as run_id
        from (
            select
                t.*,
                row_number() over by_event as ordinal,
                count(*) over by_event as through,  -- how many there are, with all of this event
                bool_and(t.is_plain) over (partition by t.event_id) as is_plain_event
            from started as t
            window by_event as (order by t.event_id)
        ) as x
        order by x.event_id
    ),
    created as (
        insert into perdure.runs (
            id, environment_id, job_id, job_version_id, endpoint_id, event_id, status, is_test, created_at, updated_at,
            lease_number, started_at, dispatcher
        )
        select
            g.run_id, p_environment_id, (g.plain_start).job_id, (g.plain_start).job_version_id, g.endpoint_id,
            g.event_id, 'EXECUTING', g.is_test, v_now, v_now, 1, v_now, p_dispatcher
        from given as g
        where g.run_id is not null
    ),
    leased as (
        insert into perdure.leases (run_id, lease_number, claimed_at, expires_at)
        select
            g.run_id, 1, v_now,
            v_now + p_lease_margin + case
                when v_is_connected then interval '0' else make_interval(secs => g.timeout_ms / 1000.0)
            end
        from given as g
        where g.run_id is not null
    ),
    begun as (
        select
            array_agg(g.event_id) filter (where g.run_id is null) as left_ids,
            array_agg(
                row(
                    g.run_id, 1, g.endpoint_id, g.url, g.timeout_ms,
                    coalesce(
                        (
                            select k.signing_secrets
                            from perdure._signing_secrets(p_environment_id) as k
                            where not v_is_connected
                        ),
                        '{}'
                    ),
                    case when g.api_key_id is not null then perdure._sealed_key(g.api_key_id) end, null,
                    perdure._execution_text(
                        g.event, (g.plain_start).members, g.chunk_limit_ms, g.run_id, g.is_test, v_started_at,
                        g.external_account_id, g.source_context, null, null, 1
                    )
                )::perdure.claimed_run
            ) filter (where g.run_id is not null) as claims
        from given as g
    ),
    -- Ids ascend in the order of the events.
    answered as (
        select
            array_agg(s.event order by s.id) filter (where s.due_at is null and not p_minimal) as answers,
            array_agg(s.id) filter (where s.due_at is null) as ids,
            count(*) as number
        from stored as s
    )
    select a.answers, case when v_slots > 0 then b.left_ids else a.ids end, b.claims, a.number
    into v_sent
    from answered as a
    cross join begun as b;
    if v_sent.number = 0 then
        perform perdure._check_environment(p_environment_id);
    end if;
    if v_due_at is not null then
        perform perdure._notify_dispatchers('due');
    end if;

    if p_minimal or cardinality(v_sent.answers) = v_count then  -- all are new
        return v_sent;
    end if;
    return (
        array(
            select perdure._event_text(e)
            from perdure._sent_events(v_events, v_ticks, v_tail) as i
            -- limit keeps this a look-up by index for each event, whatever the planner thinks of how few there are.
            cross join lateral (
                select x.*
                from perdure.events as x
                where x.environment_id = p_environment_id and x.event_id = i.event_id
                limit 1
            ) as e
            order by i.row_id
        ),
        v_sent.left_ids,
        v_sent.claims,
        v_sent.number
    );
end;
$$;
comment on function perdure._store_events(uuid, json, json, integer, text, interval, uuid[], boolean)
is 'Store events, and begin what they start.';
