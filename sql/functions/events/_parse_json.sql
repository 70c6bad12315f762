-- _parse_json: a text that came from outside as a document for matching; null when it is no JSON, or JSON that jsonb
-- cannot hold.
-- Called by  request_matches.
create or replace function perdure._parse_json(p_text text)
returns jsonb
language plpgsql immutable strict set search_path = pg_catalog, pg_temp
as $$
begin
    return perdure._to_jsonb(p_text::json);
exception
    when data_exception or program_limit_exceeded then
        return null;
end;
$$;
comment on function perdure._parse_json(text) is 'A text as jsonb, or null.';
