-- _check_account: refuse what cannot be an account: its email, the person's name, the hash of the password.
-- Errors     JQ010 invalid_argument: says which and why; a password in clear is not a hash, and not repeated.
create or replace function perdure._check_account(p_email text, p_name text, p_password_hash text)
returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    perform perdure._check_email(p_email);
    if not perdure._is_name(p_name) then
        raise exception using errcode = 'JQ010', message = 'the name must have 1 to 100 characters, on one line';
    end if;
    if p_password_hash is null or p_password_hash !~ '^\$argon2id\$' then
        raise exception using errcode = 'JQ010', message = 'p_password_hash must be a hash by argon2id';
    end if;
end;
$$;
comment on function perdure._check_account(text, text, text) is 'Refuse a malformed account.';
