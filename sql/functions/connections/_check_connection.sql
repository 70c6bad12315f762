-- _check_connection: refuse a connection that cannot be stored.
-- Errors     JQ010 invalid_argument: names the member, what it was and what is allowed.
-- Called by  create_connection.
create or replace function perdure._check_connection(p_connection json)
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_problem text;
begin
    v_problem := case
        when coalesce(json_typeof(p_connection), '') <> 'object' then ' must be an object with type and sealedToken'
        when coalesce(p_connection ->> 'type', '') not in ('oauth2', 'apiKey')
            then format('.type must be oauth2 or apiKey, not %s', coalesce(p_connection ->> 'type', 'absent'))
        when coalesce(p_connection ->> 'sealedToken', '') = '' then '.sealedToken must be a text that is not empty'
        when json_typeof(p_connection -> 'scopes') not in ('array', 'null')
            or exists (
                select 1
                from json_array_elements(
                    case json_typeof(p_connection -> 'scopes') when 'array' then p_connection -> 'scopes' else '[]' end
                ) as s
                where json_typeof(s.value) <> 'string'
            )
            then '.scopes must be a list of texts'
        when json_typeof(p_connection -> 'additionalFields') not in ('object', 'null')
            or exists (
                select 1
                from json_each(
                    case json_typeof(p_connection -> 'additionalFields')
                        when 'object' then p_connection -> 'additionalFields' else '{}'
                    end
                ) as f
                where json_typeof(f.value) <> 'string'
            )
            then '.additionalFields must be an object of texts'
        when p_connection ->> 'expiresAt' is not null and perdure._to_instant(p_connection ->> 'expiresAt') is null
            then format('.expiresAt must be an instant, not %s', p_connection ->> 'expiresAt')
    end;
    if v_problem is not null then
        raise exception using errcode = 'JQ010', message = 'p_connection' || v_problem;
    end if;
end;
$$;
comment on function perdure._check_connection(json) is 'Refuse a connection that cannot be stored.';
