-- _document_mismatch: where a whole document fails an event filter, looked at as _document_matches does.
-- Arguments  as of _filter_mismatch.
-- Called by  _request_mismatch, _event_mismatch.
create or replace function perdure._document_mismatch(p_filter jsonb, p_document jsonb, p_path text[])
returns jsonb
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
    if perdure._document_matches(p_filter, p_document) then
        return null;
    elsif jsonb_typeof(p_document) <> 'array' or p_document is null then
        return perdure._filter_mismatch(p_filter, p_document, p_path);
    elsif jsonb_array_length(p_document) = 1 then
        return perdure._filter_mismatch(p_filter, p_document -> 0, p_path || '0'::text);
    end if;
    return perdure._mismatch(p_path, 'some element', p_filter, p_document);
end;
$$;
comment on function perdure._document_mismatch(jsonb, jsonb, text[]) is 'Where a whole document fails an event filter.';
