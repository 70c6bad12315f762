-- request_matches: does an HTTP request pass a request filter {method?, headers?, query?, body?}? All members of the
-- filter must match (AND); one that is absent, null or empty passes everything.
-- method: a list that has the request's method. headers: {name: strings, or string operators of event_matches}; in
-- names capitals do not count. query: the same for the URL's decoded parameters, with + for a space; of a repeated one
-- some value must pass; a query that is no UTF-8 does not match. body: an event filter on the body, which must be
-- JSON; of a list one element must pass.
-- Arguments  p_filter   an object; null or {} passes everything;
--            p_request  {url, method, headers: {name: text}, rawBody: text}.
-- Errors     a malformed filter, or one with any other member, does not match; 54001 as of event_matches.
-- Called by  _passes_filters; by people who want to try a filter.
create or replace function perdure.request_matches(p_filter jsonb, p_request jsonb)
returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_methods constant jsonb := nullif(nullif(p_filter -> 'method', 'null'), '[]');
    v_headers constant jsonb := nullif(nullif(p_filter -> 'headers', 'null'), '{}');
    v_query constant jsonb := nullif(nullif(p_filter -> 'query', 'null'), '{}');
    v_body constant jsonb := nullif(nullif(p_filter -> 'body', 'null'), '{}');
begin
    if p_filter is null or p_filter = '{}' then
        return true;
    end if;
    if jsonb_typeof(p_filter) <> 'object' or jsonb_typeof(p_request) is distinct from 'object' then
        return false;
    end if;
    if p_filter - array['method', 'headers', 'query', 'body'] <> '{}' then
        return false;
    end if;
    return
        coalesce(jsonb_typeof(v_methods) = 'array' and v_methods ? upper(p_request ->> 'method'), v_methods is null)
        and (
            v_headers is null
            or perdure._lists_match(v_headers, perdure._header_values(p_request -> 'headers'), true)
        )
        and (v_query is null or perdure._lists_match(v_query, perdure._query_values(p_request ->> 'url'), false))
        and (
            v_body is null
            or perdure._document_matches(v_body, perdure._parse_json(perdure._json_text(p_request -> 'rawBody')))
        );
end;
$$;
comment on function perdure.request_matches(jsonb, jsonb) is 'Does an HTTP request pass a request filter?';
