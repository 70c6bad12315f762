-- find_events: events that pass a filter, newest first. Where few pass, a call does not find them all: it looks at some
-- thousand events and says where it stopped. Go on from there with p_cursor.
-- Arguments  p_filter  {name?: exact, or how it begins and *; source?; text?: the id of an event, else a part of the
--            payload, in capitals or not; from?, to?: when it was stored, to excluded; state?: PENDING: still to be
--            delivered, DELIVERED or CANCELED; isTest?};
--            p_cursor  nextCursor of the call before; p_take  events in one page, 1 to 100.
-- Returns    {events: [{key, id, name, source, isTest, createdAt, deliverAt, deliveredAt, cancelledAt, account,
--            replays: true of a replay, runs: how many it started, statuses: theirs, runId: that of the only one}],
--            lookedAt, nextCursor?, searchedTo?}: key is events.id and id the sender's; lookedAt how many events this
--            call looked at; nextCursor is there when there may be further ones, those stored before searchedTo.
-- Errors     JQ010 invalid_argument: names the member of p_filter.
-- Called by  the dashboard, apps in direct mode, psql.
create or replace function perdure.find_events(
    p_environment_id uuid, p_filter jsonb default '{}', p_cursor uuid default null, p_take integer default 50
)
returns json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_filter constant jsonb := coalesce(p_filter, '{}'::jsonb);
    v_problem constant text := perdure._event_filter_problem(v_filter);
    v_search record;
    v_events json;
begin
    if v_problem is not null then
        raise exception using errcode = 'JQ010', message = v_problem;
    end if;
    select s.* into v_search
    from perdure._search_events(p_environment_id, v_filter, p_cursor, greatest(least(p_take, 100), 1)) as s;

    select json_agg(json_build_object(
        'key', e.id,
        'id', e.event_id,
        'name', e.name,
        'source', e.source,
        'isTest', e.is_test,
        'createdAt', perdure._iso(e.created_at),
        'deliverAt', perdure._iso(e.deliver_at),
        'deliveredAt', perdure._iso(e.delivered_at),
        'cancelledAt', perdure._iso(e.cancelled_at),
        'account', (select a.identifier from perdure.external_accounts as a where a.id = e.external_account_id),
        'replays', exists (select 1 from perdure.event_replays as p where p.event_id = e.id),
        'runs', r.runs,
        'statuses', r.statuses,
        'runId', case when r.runs = 1 then r.run_ids[1] end
    ) order by e.id desc) into v_events
    from unnest(v_search.event_ids) as i (id)
    cross join lateral (select x.* from perdure.events as x where x.id = i.id limit 1) as e
    cross join lateral (
        select
            count(*) as runs, coalesce(json_agg(distinct x.status), '[]') as statuses, array_agg(x.id) as run_ids
        from (select y.id, y.status::text as status from perdure.runs as y where y.event_id = e.id limit 100) as x
    ) as r;
    return perdure._json_object(
        perdure._member('events', coalesce(v_events, '[]')),
        perdure._member('lookedAt', to_json(v_search.looked_at)),
        perdure._member('nextCursor', to_json(v_search.searched_to)),
        perdure._member('searchedTo', to_json(perdure._iso(perdure._id_time(v_search.searched_to))))
    );
end;
$$;
comment on function perdure.find_events(uuid, jsonb, uuid, integer) is 'Events that pass a filter, newest first.';
