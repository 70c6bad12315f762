-- receive_source_request: keep what a provider sent; a dispatcher hands it to the app's handler. The provider
-- is answered before anybody has looked at it: nothing accepted is lost.
-- Arguments  p_headers  JSON object of texts, names in lower case; p_body  raw.
-- Returns    {accepted: true, id}, or {accepted: false} for a source that is not (or no longer) registered.
-- Errors     JQ001 not_found.
-- Called by  the server.
create or replace function perdure.receive_source_request(
    p_source_id uuid, p_url text, p_method text, p_headers json, p_body bytea
)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_now constant timestamptz := perdure.clock();
    v_source perdure.sources;
    v_id uuid;
begin
    select s.* into v_source from perdure.sources as s where s.id = p_source_id;
    if not found then
        raise exception using errcode = 'JQ001', message = format('there is no source %s', quote_nullable(p_source_id));
    end if;
    if not v_source.active then
        return json_build_object('accepted', false);
    end if;

    insert into perdure.deliveries as d (
        id, environment_id, kind, subject_id, endpoint_id, status, request, body, due_at, created_at
    )
    values (
        perdure.new_id(), v_source.environment_id, 'SOURCE_REQUEST', p_source_id, v_source.endpoint_id, 'PENDING',
        json_build_object('url', p_url, 'method', p_method, 'headers', p_headers), p_body, v_now, v_now
    )
    returning d.id into v_id;
    perform perdure._notify_dispatchers('deliveries');
    return json_build_object('accepted', true, 'id', v_id);
end;
$$;
comment on function perdure.receive_source_request(uuid, text, text, json, bytea) is 'Keep what a provider sent.';
