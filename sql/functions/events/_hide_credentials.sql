-- _hide_credentials: an HTTP request for people: of headers and parameters that let somebody in, '…' stands in place of
-- the value; of a signature its beginning is left, enough to compare.
-- Arguments  p_request  {url, method, headers: {name: text}, …}; what is no object stays as it is.
-- Called by  the views events and deliveries.
create or replace function perdure._hide_credentials(p_request json)
returns json
language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_request constant json := perdure._shield(p_request);
    v_hidden constant text := '…';
begin
    if json_typeof(v_request) is distinct from 'object' then
        return p_request;
    end if;
    return perdure._unshield((
        select json_object_agg(m.key, case
            when m.key = 'headers' and json_typeof(m.value) = 'object' then (
                select coalesce(json_object_agg(h.key, case
                    when perdure._is_secret_name(h.key) then to_json(v_hidden)
                    when h.key ~* 'signature|hmac|^digest$' and json_typeof(h.value) = 'string'
                        then to_json(left(h.value #>> '{}', 16) || v_hidden)
                    else h.value
                end), '{}')
                from json_each(m.value) as h
            )
            when m.key = 'url' and json_typeof(m.value) = 'string' then to_json(perdure._hide_parameters(m.value #>> '{}'))
            else m.value
        end)
        from json_each(v_request) as m
    ));
end;
$$;
comment on function perdure._hide_credentials(json) is 'An HTTP request for people.';
