-- _shield: make a document safe to be taken apart. JSON allows \u0000 and lone surrogates, but every JSON operator of
-- Postgres refuses a document that has one anywhere. Such escapes become the noncharacter U+FDD0 and a backslash;
-- _unshield gives a user's document back as it was. Shielding twice changes nothing.
-- Called by  public functions that take users' documents inside a larger one, at their entry.
create or replace function perdure._shield(p_document json)
returns json
language sql stable parallel safe
return case
    when position('\u' in p_document::text) = 0 then p_document  -- most, found out faster than by the expression
    when p_document::text !~* '\\u(0000|d[89a-f])' then p_document
    else
        regexp_replace(
            p_document::text,
            -- an odd number of backslashes and the escape of a zero, of a high surrogate before no low one, of a low
            -- one after no high one; the two escapes of a pair are a character like any other
            '(?<!\\)((?:\\\\)*)(?:'
            || '\\u(?=0000|d[89ab][0-9a-f]{2}(?!\\ud[c-f][0-9a-f]{2}))'
            || '|(?<!\\ud[89ab][0-9a-f]{2})\\u(?=d[c-f][0-9a-f]{2}))',
            '\1' || chr(64976) || '\\\\u',
            'gi'
        )::json
end;
comment on function perdure._shield(json) is 'A document that can be taken apart.';
