-- _fetch_request: FETCH: the request that a task asks the platform for. Headers about the connection are the sender's
-- business and left out.
-- Returns    null: nobody waits for it any more, as in _operation_of.
-- Called by  _delivery_request.
create or replace function perdure._fetch_request(p_delivery perdure.deliveries)
returns perdure.delivery_request
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_task constant perdure.tasks := perdure._operation_of(p_delivery);
    v_params constant json := perdure._shield(v_task.params);
    v_init constant json := v_params -> 'requestInit';
    v_method constant text := upper(coalesce(v_init ->> 'method', 'GET'));
    v_body bytea;
    v_headers json;
begin
    if v_method not in ('GET', 'HEAD') then
        v_body := perdure._utf8(perdure._reveal(v_init -> 'body'));
    end if;
    select coalesce(json_object_agg(h.name, h.value), '{}') into v_headers
    from (
        select distinct on (i.name) i.name, i.value
        from (
            select lower(e.key) as name, btrim(perdure._reveal(e.value), E' \t\r\n') as value, e.ordinality
            from json_each(
                case json_typeof(v_init -> 'headers') when 'object' then v_init -> 'headers' end
            ) with ordinality as e
            union all
            select 'content-type', 'text/plain;charset=UTF-8', 0 where v_body is not null
        ) as i
        where
            i.value is not null
            and i.name not in (
                'accept-encoding', 'connection', 'content-length', 'expect', 'host', 'keep-alive', 'proxy-connection',
                'te', 'trailer', 'transfer-encoding', 'upgrade'
            )
        order by i.name, i.ordinality desc
    ) as h;
    return row(
        perdure._reveal(v_params -> 'url'), null, v_method, v_headers, v_body, perdure._fetch_timeout_ms(v_task), null, null
    )::perdure.delivery_request;
end;
$$;
comment on function perdure._fetch_request(perdure.deliveries) is 'The request that a task asks for.';
