-- _endpoint_answer_problem: what is wrong with an app's answer to an action, for people; null: it is 200 and a JSON
-- object, as it must be.
-- Arguments  p_document  the answer's body: _answer_document.
-- Called by  the functions of those kinds that go to endpoints.
create or replace function perdure._endpoint_answer_problem(p_result json, p_document json)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_problem constant text := perdure._answer_problem(p_result, '[200,201)');
    v_body constant text := ltrim(left(p_result ->> 'body', 1000), e' \n\r\t');
begin
    if v_problem is not null or json_typeof(p_document) = 'object' then
        return v_problem;
    elsif v_body like '<%' then
        return 'The endpoint answered 200, but an HTML page: does the registered URL lead to the Perdure endpoint?';
    elsif coalesce(v_body, '') = '' then
        return 'The endpoint answered 200, but nothing more';
    end if;
    return format('The endpoint answered 200, but no JSON object; the body begins with: %s', left(v_body, 120));
end;
$$;
comment on function perdure._endpoint_answer_problem(json, json) is 'What is wrong with an app''s answer to an action.';
