-- _send_options_problem: what is wrong with the options of send_events.
-- Returns    what is wrong, with the member; null: nothing.
-- Called by  _store_events.
create or replace function perdure._send_options_problem(p_options json)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return case
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
        else 'p_options.' || perdure._start_problem(p_options)
    end;
end;
$$;
comment on function perdure._send_options_problem(json) is 'What is wrong with the options of events.';
