-- _ephemeral_dispatcher_problem: what is wrong with the body of register_ephemeral_dispatcher, besides its URL.
-- Returns    a sentence that names the member; null: nothing.
-- Called by  register_ephemeral_dispatcher.
create or replace function perdure._ephemeral_dispatcher_problem(p_body json)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_problem text;
begin
    if p_body is null or json_typeof(p_body) <> 'object' then
        return 'p_body must be an object, such as {"url": "https://example.com/hook", "name": "order.paid"}';
    end if;
    v_problem := case
        when coalesce(json_typeof(p_body -> 'name'), '') not in ('string', 'array')
            then 'p_body.name must be the name of an event, or a list of names'
        when json_typeof(p_body -> 'name') = 'array' and json_array_length(p_body -> 'name') = 0
            then 'p_body.name must have at least one name'
        when json_typeof(p_body -> 'source') not in ('string', 'null') then 'p_body.source must be a text'
        when json_typeof(p_body -> 'filter') not in ('object', 'null') then 'p_body.filter must be an event filter'
        when json_typeof(p_body -> 'contextFilter') not in ('object', 'null')
            then 'p_body.contextFilter must be an event filter'
        when octet_length(p_body ->> 'accountId') not between 1 and 1000
            then 'p_body.accountId must be a text of 1 to 1000 bytes'
        when json_typeof(p_body -> 'timeoutInSeconds') not in ('number', 'null')
            or (p_body ->> 'timeoutInSeconds')::numeric not between 1 and 31536000
            then 'p_body.timeoutInSeconds must be 1 to 31536000 (a year)'
    end;
    if v_problem is null and exists (
        select 1
        from json_array_elements(
            case json_typeof(p_body -> 'name')
                when 'array' then p_body -> 'name' else json_build_array(p_body -> 'name')
            end
        ) as n
        where json_typeof(n.value) <> 'string' or octet_length(n.value #>> '{}') not between 1 and 1000
    ) then
        v_problem := 'p_body.name: every name must be a text of 1 to 1000 bytes';
    end if;
    return v_problem;
end;
$$;
comment on function perdure._ephemeral_dispatcher_problem(json) is 'What is wrong with an ephemeral subscription.';
