-- _store_events: store events: those of a call, which says what they are. What they bring about is the caller's to do.
-- Arguments  as send_events.
-- Returns    due_ids  those that are new and due, to be delivered; null: none;
--            answers  each event as stored (ApiEventLog), in the order given.
-- Errors     JQ010 invalid_argument: names the element and member; others as send_events.
-- Locks      events of these ids, in the order of event_id.
-- Called by  send_events, send_and_claim.
create or replace function perdure._store_events(
    p_environment_id uuid, p_events json, p_options json, out due_ids uuid[], out answers json[]
)
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_ticks constant bigint := perdure._id_now();
    v_tail constant text := perdure._id_tail();
    v_events constant json := perdure._shield(p_events);
    v_deliver_at timestamptz := v_now;
    v_due_at timestamptz;  -- null: delivered at once
    v_account_id uuid;
    v_tags text[];
    v_metadata jsonb;
    v_problem text;
    v_any_later boolean;
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
    end if;
    if v_deliver_at > v_now or current_setting('transaction_isolation') <> 'read committed' then
        v_due_at := v_deliver_at;
    end if;

    if json_typeof(p_events) is distinct from 'array' then
        raise exception using
            errcode = 'JQ010',
            message = 'p_events must be a JSON array of events, such as [{"name": "user.created"}]';
    end if;
    with stored as (
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
        returning e.id, e.due_at, perdure._event_json(e) as event
    )
    -- Ids ascend in the order of the events.
    select
        bool_or(s.due_at is not null),
        array_agg(s.id) filter (where s.due_at is null),
        array_agg(s.event order by s.id) filter (where s.due_at is null)
    into v_any_later, due_ids, answers
    from stored as s;
    if due_ids is null then
        perform perdure._check_environment(p_environment_id);
    end if;
    if v_any_later then
        perform perdure._notify_dispatchers('due');
    end if;

    if cardinality(answers) = json_array_length(v_events) then  -- all are new
        return;
    end if;
    answers := array(
        select perdure._event_json(e)
        from perdure._sent_events(v_events, v_ticks, v_tail) as i
        -- limit keeps this a look-up by index for each event, whatever the planner thinks of how few there are.
        cross join lateral (
            select x.*
            from perdure.events as x
            where x.environment_id = p_environment_id and x.event_id = i.event_id
            limit 1
        ) as e
        order by i.row_id
    );
end;
$$;
comment on function perdure._store_events(uuid, json, json) is 'Store events.';
