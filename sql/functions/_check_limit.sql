-- _check_limit: refuse a batch size that is null, or not in 1 to 1000.
-- Errors     JQ010 invalid_argument.
create or replace function perdure._check_limit(p_argument text, p_limit integer)
returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    if p_limit is null or p_limit not between 1 and 1000 then
        raise exception using
            errcode = 'JQ010',
            message = format('%s must be in 1..1000, not %s', p_argument, coalesce(p_limit::text, 'null'));
    end if;
end;
$$;
comment on function perdure._check_limit(text, integer) is 'Refuse a batch size out of range.';
