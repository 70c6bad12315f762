-- _check_slug: refuse a malformed slug.
-- Errors     JQ010 invalid_argument: names the argument, what it was and what is allowed.
create or replace function perdure._check_slug(p_argument text, p_slug text)
returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    if p_slug is null or p_slug !~ '^[A-Za-z0-9][A-Za-z0-9._~-]{0,99}$' then
        raise exception using
            errcode = 'JQ010',
            message = format(
                '%s must be 1 to 100 letters, digits, ".", "_", "~" or "-" and begin with a letter or digit, not %s',
                p_argument, coalesce(quote_literal(p_slug), 'null')
            );
    end if;
end;
$$;
comment on function perdure._check_slug(text, text) is 'Refuse a malformed slug.';
