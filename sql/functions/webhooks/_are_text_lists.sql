-- _are_text_lists: is this an object of lists of texts, as a webhook's config is?
-- Returns    null for null.
-- Called by  _webhook_problem, update_webhook.
create or replace function perdure._are_text_lists(p_document jsonb)
returns boolean
language sql immutable parallel safe strict
return case
    when jsonb_typeof(p_document) <> 'object' then false
    when jsonb_path_exists(p_document, 'strict $.* ? (@.type() != "array")') then false
    else not jsonb_path_exists(p_document, 'strict $.*[*] ? (@.type() != "string")')
end;
comment on function perdure._are_text_lists(jsonb) is 'Is this an object of lists of texts?';
