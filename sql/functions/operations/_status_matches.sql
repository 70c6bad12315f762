-- _status_matches: does an HTTP status match a pattern: all, 429, 500-599, 5xx, 40x, or several with commas?
-- Called by  _next_fetch_at.
create or replace function perdure._status_matches(p_pattern text, p_status integer)
returns boolean
language sql immutable parallel safe
return (
    select
        coalesce(bool_or(
            p.pattern = 'all'
            or (p.pattern ~ '^[0-9][0-9x]{2}$' and p_status::text ~ ('^' || replace(p.pattern, 'x', '[0-9]') || '$'))
            or (p.pattern ~ '^[0-9]{3}-[0-9]{3}$' and p_status::text between left(p.pattern, 3) and right(p.pattern, 3))
        ), false)
    from (
        select lower(replace(s.part, ' ', '')) as pattern from string_to_table(p_pattern, ',') as s (part)
    ) as p
);
comment on function perdure._status_matches(text, integer) is 'Does an HTTP status match a pattern?';
