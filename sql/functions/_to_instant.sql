-- _to_instant: an instant as it came from outside; null when it is none, or no finite one: what is due at
-- infinity would wait for ever.
create or replace function perdure._to_instant(p_text text)
returns timestamptz
language plpgsql stable strict set search_path = pg_catalog, pg_temp
as $$
declare
    v_at timestamptz;
begin
    v_at := p_text::timestamptz;
    return case when isfinite(v_at) then v_at end;
exception
    when data_exception then
        return null;
end;
$$;
comment on function perdure._to_instant(text) is 'An instant that came from outside, or null.';
