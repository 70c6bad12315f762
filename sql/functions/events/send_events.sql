-- send_events: store events and start the runs they cause: one transaction, any number of events. The same
-- event id in the same environment is stored once: sent again, an event that was delivered is left as it is;
-- one that still lies 5 s or more ahead takes the new payload, context, tags, metadata and delivery time.
-- In a transaction whose snapshot is older than its events (REPEATABLE READ, SERIALIZABLE) they are left to the
-- dispatcher to deliver: subscriptions made meanwhile could not be seen.
-- Arguments  p_events   JSON array of {name, payload?, context?, id?, timestamp?, source?, payloadType?,
--            isTest?, sourceContext?, dynamicSourceKey?};
--            p_options  {deliverAt?: ISO 8601, deliverAfter?: seconds, accountId?: the end user it is about, tags?,
--            metadata?: of the runs that they start}, for all of them.
-- Returns    each event as stored (ApiEventLog), in the order given.
-- Errors     JQ001 not_found: no such environment; JQ010 invalid_argument: names the element and member.
-- Locks      events of these ids, in the order of event_id; ephemeral subscriptions that match; no run rows.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.send_events(p_environment_id uuid, p_events json, p_options json default '{}')
returns setof json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_ticks constant bigint := perdure._id_now();
    v_tail constant text := perdure._id_tail();
    v_events constant json := perdure._shield(p_events);
    v_deliver_at timestamptz;
    v_due_at timestamptz;  -- null: delivered at once
    v_account_id uuid;
    v_tags text[];
    v_metadata jsonb;
    v_changed_ids uuid[];
    v_due_ids uuid[];
    v_event_ids text[];
    v_stored json[];
begin
    if not exists (select 1 from perdure.environments as e where e.id = p_environment_id) then
        raise exception using
            errcode = 'JQ001', message = format('there is no environment %s', coalesce(p_environment_id::text, 'null'));
    end if;
    perform perdure._check_events(v_events, p_options);
    v_deliver_at := coalesce(
        (p_options ->> 'deliverAt')::timestamptz,
        v_now + make_interval(secs => (p_options ->> 'deliverAfter')::double precision),
        v_now
    );
    v_due_at := case
        when v_deliver_at > v_now or current_setting('transaction_isolation') <> 'read committed' then v_deliver_at
    end;

    if p_options::text <> '{}' then
        v_account_id := perdure._upsert_external_account(p_environment_id, p_options ->> 'accountId');
        v_tags := perdure._tag_list(p_options -> 'tags');
        v_metadata := perdure._first_metadata(p_options -> 'metadata');
    end if;

    with input as materialized (
        select
            i.*,
            coalesce(i.id, perdure.new_id()::text) as event_id
        from rows from (
            json_to_recordset(v_events) as (
                id text, name text, payload json, context json, source text, "timestamp" timestamptz,
                "payloadType" text, "isTest" boolean, "sourceContext" json, "dynamicSourceKey" text
            )
        ) with ordinality as i (
            id, name, payload, context, source, happened_at, payload_type, is_test, source_context, dynamic_source_key,
            ordinal
        )
    ),
    stored as (
        insert into perdure.events as e (
            id, environment_id, event_id, name, source, payload, payload_type, context, external_account_id,
            dynamic_source_key, source_context, run_tags, run_metadata, is_test, happened_at, deliver_at, due_at,
            delivered_at, created_at, updated_at
        )
        select
            f.row_id, p_environment_id, f.event_id, f.name, coalesce(f.source, 'trigger.dev'),
            coalesce(perdure._unshield(f.payload), '{}'), coalesce(f.payload_type, 'JSON'),
            coalesce(perdure._unshield(f.context), '{}'), v_account_id, f.dynamic_source_key,
            perdure._unshield(f.source_context), v_tags, v_metadata,
            coalesce(f.is_test, false), coalesce(f.happened_at, v_now), v_deliver_at,
            v_due_at, case when v_due_at is null then v_now end,
            v_now, v_now
        from (
            -- Ids ascend in the order of the events; rows are locked in the order of event ids, so that two
            -- calls cannot wait for each other.
            select distinct on (i.event_id collate "C")
                i.*,
                perdure._id_at(v_ticks + i.ordinal, v_tail) as row_id
            from input as i
            order by i.event_id collate "C", i.ordinal
        ) as f
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
        returning e.*
    )
    select
        array_agg(s.id) filter (where s.due_at is not null),
        array_agg(s.id order by s.id) filter (where s.due_at is null),
        array_agg(perdure._event_json(s::perdure.events) order by s.id) filter (where s.due_at is null),
        (select array_agg(i.event_id order by i.ordinal) from input as i)
    into v_changed_ids, v_due_ids, v_stored, v_event_ids
    from stored as s;

    perform perdure._deliver_events(v_due_ids);
    if v_changed_ids is not null then
        perform perdure._notify_dispatchers('due');
    end if;

    if cardinality(v_stored) = cardinality(v_event_ids) then  -- all are new, and their ids ascend in their order
        return query select s.event from unnest(v_stored) as s (event);
        return;
    end if;
    return query
    select perdure._event_json(e)
    from unnest(v_event_ids) with ordinality as wanted (event_id, ordinal)
    inner join perdure.events as e on e.environment_id = p_environment_id and e.event_id = wanted.event_id
    order by wanted.ordinal;
end;
$$;
comment on function perdure.send_events(uuid, json, json) is 'Store events and start the runs they cause.';
