-- _iso: an instant as the wire shows it, whatever the session's time zone.
-- Returns    ISO 8601 in UTC with milliseconds; null for null.
create or replace function perdure._iso(p_at timestamptz)
returns text
language sql stable parallel safe
return to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
comment on function perdure._iso(timestamptz) is 'An instant as ISO 8601 text in UTC.';
