-- _public_url: where the world reaches the server, without a trailing slash.
-- Errors     JQ002 wrong_state: it is not known yet.
create or replace function perdure._public_url()
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_public_url text;
begin
    select s.value into v_public_url from perdure.settings as s where s.name = 'public_url';
    if v_public_url is null then
        raise exception using
            errcode = 'JQ002',
            message = 'the public URL of the server is not set, so nobody can be told where to send requests',
            hint = 'start the server once with PERDURE_PUBLIC_URL, or: '
                || 'select perdure.set_setting(''public_url'', ''https://…'')';
    end if;
    return v_public_url;
end;
$$;
comment on function perdure._public_url() is 'Where the world reaches the server.';
