-- _response_matches: is this the answer that a poll waits for? status: one of these numbers, without it a good one;
-- headers and body as event filters, header names in any case.
-- Called by  _apply_poll.
create or replace function perdure._response_matches(p_filter json, p_result json)
returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_filter constant jsonb := coalesce(nullif(p_filter::jsonb, 'null'), '{}');
    v_statuses constant jsonb := coalesce(nullif(v_filter -> 'status', '[]'), 'null');
    v_status constant integer := (p_result ->> 'httpStatus')::integer;
begin
    return p_result ->> 'verdict' = 'REPLY'
        and case jsonb_typeof(v_statuses)
            when 'null' then v_status between 200 and 299
            else v_statuses @> to_jsonb(v_status)
        end
        and (
            coalesce(jsonb_typeof(v_filter -> 'headers'), 'null') = 'null'
            or perdure.event_matches(
                (
                    select coalesce(jsonb_object_agg(lower(h.key), h.value), '{}')
                    from jsonb_each(v_filter -> 'headers') as h
                ),
                (p_result -> 'headers')::jsonb
            )
        )
        and (
            coalesce(jsonb_typeof(v_filter -> 'body'), 'null') = 'null'
            or perdure.event_matches(v_filter -> 'body', perdure._parse_json(p_result ->> 'body'))
        );
end;
$$;
comment on function perdure._response_matches(json, json) is 'Is this the answer that a poll waits for?';
