-- _request_mismatch: where an HTTP request fails a request filter, looked at as request_matches does.
-- Arguments  as of request_matches.
-- Returns    as _filter_mismatch; the path begins with method, headers, query or body. A header or parameter may have
--            several values: found is the list of them. Null: it passes.
-- Called by  _event_mismatch.
create or replace function perdure._request_mismatch(p_filter jsonb, p_request jsonb)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_body jsonb;
begin
    if perdure.request_matches(p_filter, p_request) then
        return null;
    elsif
        jsonb_typeof(p_filter) <> 'object' or p_filter - array['method', 'headers', 'query', 'body'] <> '{}'
        or jsonb_typeof(p_request) is distinct from 'object'
    then
        return perdure._mismatch('{}', 'malformed', p_filter, null);
    elsif not perdure.request_matches(jsonb_build_object('method', p_filter -> 'method'), p_request) then
        return perdure._mismatch(array['method'], 'in', p_filter -> 'method', p_request -> 'method');
    elsif not perdure.request_matches(jsonb_build_object('headers', p_filter -> 'headers'), p_request) then
        return perdure._list_mismatch(
            'headers', p_filter -> 'headers', perdure._header_values(p_request -> 'headers'), true
        );
    elsif not perdure.request_matches(jsonb_build_object('query', p_filter -> 'query'), p_request) then
        return perdure._list_mismatch(
            'query', p_filter -> 'query', perdure._query_values(p_request ->> 'url'), false
        );
    end if;
    v_body := perdure._parse_json(perdure._json_text(p_request -> 'rawBody'));
    return perdure._document_mismatch(p_filter -> 'body', v_body, array['body']);
end;
$$;
comment on function perdure._request_mismatch(jsonb, jsonb) is 'Where an HTTP request fails a request filter.';
