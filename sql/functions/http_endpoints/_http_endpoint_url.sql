-- _http_endpoint_url: where the world reaches an HTTP endpoint.
-- Errors     JQ002 wrong_state: the server's public URL is not known yet.
create or replace function perdure._http_endpoint_url(p_http_endpoint perdure.http_endpoints)
returns text
language sql stable
return (
    select
        perdure._public_url()
        || format('/api/v1/http-endpoints/%s/env/%s/%s', (p_http_endpoint).id, e.slug, e.shortcode)
    from perdure.environments as e
    where e.id = (p_http_endpoint).environment_id
);
comment on function perdure._http_endpoint_url(perdure.http_endpoints) is 'Where the world reaches an HTTP endpoint.';
