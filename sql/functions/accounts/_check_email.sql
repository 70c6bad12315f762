-- _check_email: refuse what cannot be an email address.
-- Errors     JQ010 invalid_argument.
create or replace function perdure._check_email(p_email text)
returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    if
        p_email is null or length(p_email) > 254 or p_email ~ '[[:cntrl:]]'
        or p_email !~ '^[^@[:space:]]+@[^@[:space:]]+$'
    then
        raise exception using
            errcode = 'JQ010',
            message = format('the email address must be such as ann@example.com, not %s', quote_nullable(p_email));
    end if;
end;
$$;
comment on function perdure._check_email(text) is 'Refuse what is no email address.';
