-- _sent_events: the events of a call, parsed and checked.
-- Arguments  p_events  shielded JSON array of event_message;
--            p_ids_from, p_ids_tail  for the ids of their rows, by _id_at, which ascend in the order of the events.
-- Returns    a row for each. An event without an id is called as its row is.
-- Errors     JQ010 invalid_argument: names the element and member, and what is allowed.
-- Called by  _store_events, whose statements it becomes a part of, as a function in SQL does that is not volatile.
create or replace function perdure._sent_events(p_events json, p_ids_from bigint, p_ids_tail text)
returns table (row_id uuid, event_id text, event perdure.event_message)
language sql stable
begin atomic
    select
        c.row_id,
        coalesce((c.event).id, c.row_id::text),
        case
            when
                (c.event).name <> '' and coalesce(octet_length((c.event).id), 1) between 1 and 1000
                and coalesce((c.event)."timestamp", (c.event)."payloadType", (c.event)."isTest") is null  -- noqa: RF06
            then c.event
            else perdure._checked_event(c.ordinal, c.document)
        end
    from (
        select
            i.ordinal,
            i.document,
            perdure._id_at(p_ids_from + i.ordinal, p_ids_tail) as row_id,
            case json_typeof(i.document)
                when 'object' then json_populate_record(null::perdure.event_message, i.document)
            end as event
        from json_array_elements(p_events) with ordinality as i (document, ordinal)
        offset 0  -- parsed once -- noqa: AM09
    ) as c;
end;
comment on function perdure._sent_events(json, bigint, text) is 'The events of a call, parsed and checked.';
