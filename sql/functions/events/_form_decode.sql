-- _form_decode: a name or a value of a query string as it was meant: + is a space, %41 is A. A % that does not begin
-- such a pair stays, as browsers have it.
-- Returns    null when the bytes are no UTF-8, or have a zero, which no text of Postgres can.
-- Called by  _query_values.
create or replace function perdure._form_decode(p_text text)
returns text
language plpgsql immutable strict set search_path = pg_catalog, pg_temp
as $$
declare
    v_text constant text := replace(p_text, '+', ' ');
begin
    if position('%' in v_text) = 0 then
        return v_text;
    end if;
    return (
        select convert_from(string_agg(
            case
                when m.part[1] ~ '^%.' then decode(substr(m.part[1], 2), 'hex')
                else convert_to(m.part[1], 'UTF8')
            end,
            '' order by m.ordinal
        ), 'UTF8')
        from regexp_matches(v_text, '%[0-9A-Fa-f]{2}|[^%]+|%', 'g') with ordinality as m (part, ordinal)
    );
exception
    when character_not_in_repertoire then
        return null;
end;
$$;
comment on function perdure._form_decode(text) is 'A decoded part of a query string, or null.';
