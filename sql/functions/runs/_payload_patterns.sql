-- _payload_patterns: the patterns, for ilike, of documents that contain a text: as it is, and where it is not plain
-- ASCII, as senders write it that escape the rest.
create or replace function perdure._payload_patterns(p_text text)
returns text[]
language sql immutable parallel safe
return array(
    select distinct '%' || regexp_replace(t.text, '([\\%_])', '\\\1', 'g') || '%'
    from (
        values
        (p_text),
        ((
            select
                string_agg(
                    case
                        when ascii(c.letter) < 128 then c.letter
                        when ascii(c.letter) < 65536 then '\u' || lpad(to_hex(ascii(c.letter)), 4, '0')
                        -- two halves, as in UTF-16
                        else
                            '\u' || to_hex(55232 + (ascii(c.letter) >> 10))
                            || '\u' || to_hex(56320 + (ascii(c.letter) & 1023))
                    end,
                    '' order by c.ordinal
                )
            from regexp_split_to_table(p_text, '') with ordinality as c (letter, ordinal)
        ))
    ) as t (text)
);
comment on function perdure._payload_patterns(text) is 'The patterns of documents that contain a text.';
