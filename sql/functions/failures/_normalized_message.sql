-- _normalized_message: a message without what differs each time, so that errors of one kind look alike: what is
-- quoted becomes '…', and a word that has a digit in it, such as an id, a number or an instant, becomes #.
-- Called by  _failure_fingerprint.
create or replace function perdure._normalized_message(p_message text)
returns text
language sql immutable strict parallel safe
return btrim(
    regexp_replace(
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    -- An apostrophe within a word begins no quotation.
                    regexp_replace(p_message, '(^|[^A-Za-z0-9])(["''`])[^\n]*?\2(?![A-Za-z0-9])', '\1''…''', 'g'),
                    '[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}', '#', 'g'
                ),
                '[A-Za-z_]*[0-9][A-Za-z0-9_]*', '#', 'g'
            ),
            -- 1.5, 127.0.0.1:80, 2026-01-31T12:00:00Z, and lists of such, are one number like 1.
            '[-+]?#(([-+.:/]|, ?)+#)*', '#', 'g'
        ),
        '\s+', ' ', 'g'
    )
);
comment on function perdure._normalized_message(text) is 'A message without what differs each time.';
