-- _answer_document: the body of the answer to a delivery as a document, shielded; null: it is no JSON.
-- Called by  the functions of those kinds whose answers say something.
create or replace function perdure._answer_document(p_result json)
returns json
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return perdure._shield((p_result ->> 'body')::json);
exception
    when data_exception or program_limit_exceeded then
        return null;
end;
$$;
comment on function perdure._answer_document(json) is 'The body of an answer as a document.';
