-- _utf8: a text out of a shielded document as the bytes to send: NUL as it is, half a character as U+FFFD.
-- Called by  _fetch_request.
create or replace function perdure._utf8(p_text text)
returns bytea
language sql immutable parallel safe
return (
    select
        string_agg(
            convert_to(regexp_replace(s.part, chr(64976) || '\\u[0-9A-Fa-f]{4}', chr(65533), 'g'), 'UTF8'),
            '\x00'::bytea order by s.ordinal
        )
    from regexp_split_to_table(p_text, chr(64976) || '\\u0000') with ordinality as s (part, ordinal)
);
comment on function perdure._utf8(text) is 'A text out of a shielded document as bytes.';
