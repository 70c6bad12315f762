-- _to_jsonb: a document for matching; null when jsonb cannot hold it, such as 1e1000000. One such document must not
-- stop everything that is delivered with it.
create or replace function perdure._to_jsonb(p_document json)
returns jsonb
language plpgsql immutable strict set search_path = pg_catalog, pg_temp
as $$
begin
    return perdure._shield(p_document)::jsonb;
exception
    when data_exception or program_limit_exceeded then
        return null;
end;
$$;
comment on function perdure._to_jsonb(json) is 'A document as jsonb, or null.';
