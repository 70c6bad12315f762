-- _document_matches: does a whole document, such as an event's payload, pass an event filter? As inside a document: of
-- a list one element must pass.
-- Arguments  as of event_matches.
-- Called by  _passes_filters, request_matches.
create or replace function perdure._document_matches(p_filter jsonb, p_document jsonb)
returns boolean
language sql stable parallel safe
return case
    when p_filter is null or p_filter = '{}' then true
    when jsonb_typeof(p_document) = 'array' then perdure.event_matches(
        jsonb_build_object('document', p_filter), jsonb_build_object('document', p_document)
    )
    else perdure.event_matches(p_filter, p_document)
end;
comment on function perdure._document_matches(jsonb, jsonb) is 'Does a whole document pass an event filter?';
