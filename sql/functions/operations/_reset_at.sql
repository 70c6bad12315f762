-- _reset_at: the instant that a rate limit's reset header speaks of: a second from now at least, 31 days at most.
-- Arguments  p_format  unix_timestamp, unix_timestamp_in_ms, iso_8601, iso_8601_duration_openai_variant (1d2h3m4.5s6ms,
--            from now).
-- Returns    null: no header, or one that says nothing of the kind.
-- Called by  _next_fetch_at.
create or replace function perdure._reset_at(p_value text, p_format text)
returns timestamptz
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_value constant text := btrim(p_value);
    v_at timestamptz;
begin
    v_at := case
        when p_format = 'unix_timestamp' then to_timestamp(v_value::double precision)
        when p_format = 'unix_timestamp_in_ms' then to_timestamp(v_value::double precision / 1000)
        when p_format = 'iso_8601' and v_value ~ '^[0-9]{4}-' then perdure._to_instant(v_value)
        when p_format = 'iso_8601_duration_openai_variant' and v_value ~ '^([0-9]+(\.[0-9]+)?(ms|d|h|m|s))+$'
            then v_now + (
                select make_interval(secs => sum(
                    p.match[1]::double precision
                    * case p.match[2] when 'd' then 86400 when 'h' then 3600 when 'm' then 60 when 's' then 1 else 0.001 end
                ))
                from regexp_matches(v_value, '([0-9]+(?:\.[0-9]+)?)(ms|d|h|m|s)', 'g') as p (match)
            )
    end;
    return case
        when isfinite(v_at) then least(greatest(v_at, v_now + interval '1 second'), v_now + interval '31 days')
    end;
exception
    when data_exception then
        return null;
end;
$$;
comment on function perdure._reset_at(text, text) is 'The instant that a reset header speaks of.';
