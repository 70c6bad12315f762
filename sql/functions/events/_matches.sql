-- _matches: which subscriptions these events match. A document that jsonb cannot hold passes no filter.
-- Arguments  p_ids  events.id.
-- Returns    a row for each event and each subscription to it.
-- Called by  _deliver_events, _begin_runs, whose statements it becomes a part of, as a function in SQL does that is not
--            volatile.
create or replace function perdure._matches(p_ids uuid[])
returns table (event perdure.events, dispatcher_id uuid, job_id uuid)
language sql stable
begin atomic
    select
        e::perdure.events,
        d.id,
        d.job_id
    -- offset keeps this one pass over the index of ids, whatever the planner thinks of how few events there are.
    from (select x.* from perdure.events as x where x.id = any(p_ids) offset 0) as e -- noqa: AM09
    inner join perdure.event_dispatcher_names as n
        on n.environment_id = e.environment_id and n.event_name = e.name and n.source = e.source
    inner join perdure.event_dispatchers as d on d.id = n.event_dispatcher_id
    where
        d.enabled
        and (d.expires_at is null or d.expires_at > perdure.clock())
        and (d.external_account_id is null or d.external_account_id = e.external_account_id)
        -- What one source of a dynamic trigger brings is not for the registrations of another.
        and (
            d.dynamic_source_key is null or e.dynamic_source_key is null
            or d.dynamic_source_key = e.dynamic_source_key
        )
        and (
            (d.payload_filter is null and d.context_filter is null)
            or perdure._passes_filters(
                e.payload_type, perdure._to_jsonb(e.payload), perdure._to_jsonb(e.context), d.payload_filter,
                d.context_filter
            )
        );
end;
comment on function perdure._matches(uuid[]) is 'Which subscriptions events match.';
