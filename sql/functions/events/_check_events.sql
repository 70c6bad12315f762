-- _check_events: refuse events that cannot be stored.
-- Errors     JQ010 invalid_argument: names the element and member, and what is allowed.
-- Called by  send_events.
create or replace function perdure._check_events(p_events json, p_options json)
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_problem text;
begin
    if p_events is null or json_typeof(p_events) <> 'array' then
        v_problem := 'p_events must be a JSON array of events, such as [{"name": "user.created"}]';
    else
        select format('p_events[%s].%s', i.ordinal - 1, c.problem) into v_problem
        from rows from (
            json_to_recordset(p_events) as (
                id text, name text, "timestamp" text, "payloadType" text, "isTest" text
            )
        ) with ordinality as i (id, name, happened_at, payload_type, is_test, ordinal)
        cross join lateral (
            select case
                when coalesce(i.name, '') = '' then 'name must be a text that is not empty'
                when octet_length(i.id) not between 1 and 1000 then 'id must be a text of 1 to 1000 bytes'
                when i.happened_at is not null and perdure._to_instant(i.happened_at) is null
                    then format('timestamp must be an instant such as 2024-01-31T12:00:00Z, not %L', i.happened_at)
                when i.payload_type not in ('JSON', 'REQUEST')
                    then format('payloadType must be JSON or REQUEST, not %L', i.payload_type)
                when i.is_test not in ('true', 'false') then format('isTest must be true or false, not %L', i.is_test)
            end as problem
        ) as c
        where c.problem is not null
        order by i.ordinal
        limit 1;
    end if;

    v_problem := coalesce(v_problem, case
        when json_typeof(p_options -> 'accountId') not in ('string', 'null') or p_options ->> 'accountId' = ''
            then 'p_options.accountId must be a text that is not empty'
        when p_options ->> 'deliverAt' is not null and perdure._to_instant(p_options ->> 'deliverAt') is null
            then format(
                'p_options.deliverAt must be an instant such as 2024-01-31T12:00:00Z, not %L', p_options ->> 'deliverAt'
            )
        when p_options ->> 'deliverAfter' !~ '^[0-9]{1,10}(\.[0-9]*)?$'
            then format(
                'p_options.deliverAfter must be a number of seconds from now, not %L', p_options ->> 'deliverAfter'
            )
        when p_options::text <> '{}' then 'p_options.' || perdure._start_problem(p_options)
    end);
    if v_problem is not null then
        raise exception using errcode = 'JQ010', message = v_problem;
    end if;
exception
    when data_exception then  -- what is no object, or what json may hold and Postgres cannot read, such as \u0000
        select format('p_events[%s] must be an object, such as {"name": "user.created"}', min(e.ordinal) - 1)
        into v_problem
        from json_array_elements(p_events) with ordinality as e (event, ordinal)
        where json_typeof(e.event) <> 'object'
        having count(*) > 0;
        raise exception using
            errcode = 'JQ010', message = coalesce(v_problem, format('p_events cannot be read: %s', sqlerrm));
end;
$$;
comment on function perdure._check_events(json, json) is 'Refuse events that cannot be stored.';
