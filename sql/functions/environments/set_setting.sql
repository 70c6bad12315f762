-- set_setting: tell the engine about the installation.
-- Arguments  p_name  'public_url': origin under which the server is reached from outside, e.g.
--            https://perdure.acme.dev
-- Errors     JQ010 invalid_argument: unknown name, or public_url is no origin.
-- Called by  the server when it starts, administrators.
create or replace function perdure.set_setting(p_name text, p_value text)
returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if p_name is distinct from 'public_url' then
        raise exception using
            errcode = 'JQ010', message = format('p_name must be public_url, not %s', quote_nullable(p_name));
    end if;
    if p_value is null or p_value !~ '^https?://[^/?#\s]+$' then
        raise exception using
            errcode = 'JQ010',
            message = format(
                'public_url must be an origin without path or trailing slash, such as https://perdure.acme.dev, not %s',
                quote_nullable(p_value)
            );
    end if;
    insert into perdure.settings (name, value, updated_at) values (p_name, p_value, perdure.clock())
    on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at
    where settings.value is distinct from excluded.value;
end;
$$;
comment on function perdure.set_setting(text, text) is 'Tell the engine about the installation.';
