-- _user_of_email: an account, by its email, however that is written.
-- Errors     JQ001 not_found: nobody has it.
-- Locks      the user.
create or replace function perdure._user_of_email(p_email text)
returns perdure.users
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    v_user perdure.users;
begin
    select * into v_user from perdure.users as u where lower(u.email) = lower(p_email) for update;
    if v_user.id is null then
        raise exception using
            errcode = 'JQ001', message = format('there is no account of %s', quote_nullable(p_email));
    end if;
    return v_user;
end;
$$;
comment on function perdure._user_of_email(text) is 'An account, by its email.';
