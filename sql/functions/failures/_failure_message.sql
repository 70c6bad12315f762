-- _failure_message: what is said of a failure, in a line, out of the output of its run.
-- Arguments  p_output  shielded: {message, …} of an error; [{path, message}] of a payload that does not fit; {key:
--            {error}} of accounts that the app could not find; or anything else that an app answered. null: none.
-- Returns    at most 500 characters.
-- Called by  _record_failures.
create or replace function perdure._failure_message(p_status text, p_output json)
returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    v_kind constant text := coalesce(json_typeof(p_output), 'null');
    v_message text;
begin
    if v_kind = 'object' then
        v_message := coalesce(
            p_output ->> 'message',
            (
                select format('%s: %s', i.key, i.value ->> 'error')
                from json_each(p_output) as i
                where json_typeof(i.value) = 'object' and i.value ->> 'error' is not null
                limit 1
            )
        );
    elsif v_kind = 'array' and json_typeof(p_output -> 0) = 'object' then
        v_message := concat_ws(
            ': ',
            case when json_typeof(p_output -> 0 -> 'path') = 'array' then (
                select string_agg(s.value, '.' order by s.ordinality)
                from json_array_elements_text(p_output -> 0 -> 'path') with ordinality as s
            ) end,
            p_output -> 0 ->> 'message'
        );
    elsif v_kind = 'string' then
        v_message := p_output #>> '{}';
    end if;
    v_message := coalesce(
        nullif(btrim(v_message), ''), case when p_output::text not in ('null', '[]', '{}') then p_output::text end,
        format('The run ended with %s', p_status)
    );
    -- What JSON may hold and a text may not is shown as it was written.
    return left(replace(v_message, chr(64976) || '\u', '\u'), 500);
end;
$$;
comment on function perdure._failure_message(text, json) is 'What is said of a failure, in a line.';
