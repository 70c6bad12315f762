-- _fetch_problem: what is wrong with the params of a fetch, fetch-response or fetch-poll, so that they could never be
-- sent; null: nothing.
-- Called by  _begin_operations.
create or replace function perdure._fetch_problem(p_params json)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_params constant json := perdure._shield(p_params);
    v_init json;
    v_url text;
    v_name text;
begin
    if jsonb_typeof(perdure._to_jsonb(v_params)) is distinct from 'object' then
        return 'params must be an object with a url';
    end if;
    v_url := coalesce(perdure._reveal(v_params -> 'url'), '');
    if v_url !~* '^https?://[^/?#\s]+' or v_url ~ '[\x01-\x1f\x7f\ufdd0]' then
        return 'params.url must be an http or https URL';
    elsif json_typeof(v_params -> 'requestInit') not in ('object', 'null') then
        return 'params.requestInit must be an object';
    elsif json_typeof(v_params -> 'retry') not in ('object', 'null') then
        return 'params.retry must be an object: status patterns with a strategy each';
    elsif json_typeof(v_params -> 'responseFilter') not in ('object', 'null') then
        return 'params.responseFilter must be an object';
    end if;
    v_init := v_params -> 'requestInit';
    if v_init ->> 'method' !~ '^[A-Za-z]{1,20}$' or upper(v_init ->> 'method') in ('CONNECT', 'TRACE', 'TRACK') then
        return 'params.requestInit.method must be one that can be sent, such as POST';
    elsif json_typeof(v_init -> 'body') <> 'null' and perdure._reveal(v_init -> 'body') is null then
        return 'params.requestInit.body must be a text';
    elsif json_typeof(v_init -> 'headers') not in ('object', 'null') then
        return 'params.requestInit.headers must be an object of texts';
    elsif json_typeof(v_init -> 'headers') = 'object' then
        select h.key into v_name
        from json_each(v_init -> 'headers') as h
        where
            json_typeof(h.value) <> 'null'
            and (
                h.key !~ '^[!#$%&''*+.^_`|~0-9A-Za-z-]+$'
                or coalesce(btrim(perdure._reveal(h.value), E' \t\r\n') !~ '^[\x20-\x7e\t]*$', true)
            )
        limit 1;
        if found then
            return format('params.requestInit.headers: %s must be a name and a text in ASCII', to_json(v_name));
        end if;
    end if;
    return null;
end;
$$;
comment on function perdure._fetch_problem(json) is 'What is wrong with the params of a fetch.';
