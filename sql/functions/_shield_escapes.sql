-- _shield_escapes: _shield for a document with escapes: those that JSON operators refuse become the noncharacter U+FDD0
-- and a backslash.
-- Called by  _shield.
create or replace function perdure._shield_escapes(p_document json)
returns json
language plpgsql stable strict parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
    if p_document::text !~* '\\u(0000|d[89a-f])' then
        return p_document;
    end if;
    return regexp_replace(
        p_document::text,
        -- an odd number of backslashes and the escape of a zero, of a high surrogate before no low one, of a low
        -- one after no high one; the two escapes of a pair are a character like any other
        '(?<!\\)((?:\\\\)*)(?:'
        || '\\u(?=0000|d[89ab][0-9a-f]{2}(?!\\ud[c-f][0-9a-f]{2}))'
        || '|(?<!\\ud[89ab][0-9a-f]{2})\\u(?=d[c-f][0-9a-f]{2}))',
        '\1' || chr(64976) || '\\\\u',
        'gi'
    )::json;
end;
$$;
comment on function perdure._shield_escapes(json) is 'A document with escapes that can be taken apart.';
