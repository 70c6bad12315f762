-- _check_url: refuse what is no URL that a request can be sent to.
-- Arguments  p_argument  its name, for the error.
-- Errors     JQ010 invalid_argument.
create or replace function perdure._check_url(p_argument text, p_url text)
returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    if p_url is null or p_url !~ '^https?://[^/?#\s]+[^\s]*$' or octet_length(p_url) > 2000 then
        raise exception using
            errcode = 'JQ010',
            message = format(
                '%s must be a URL of at most 2000 bytes such as https://example.com/hook, not %s',
                p_argument, quote_nullable(left(p_url, 200))
            );
    end if;
end;
$$;
comment on function perdure._check_url(text, text) is 'Refuse what is no URL.';
