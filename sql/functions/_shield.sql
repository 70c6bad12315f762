-- _shield: make a document safe to be taken apart. JSON allows \u0000 and lone surrogates, but every JSON operator of
-- Postgres refuses a document that has one anywhere. _unshield gives a user's document back as it was. Shielding twice
-- changes nothing. Most documents have no escape at all; what is to be done for the others is a function of its own, so
-- that it is not a part of each statement.
-- Called by  public functions that take users' documents inside a larger one, at their entry.
create or replace function perdure._shield(p_document json)
returns json
language sql stable parallel safe
return case
    when position('\u' in p_document::text) = 0 then p_document
    else perdure._shield_escapes(p_document)
end;
comment on function perdure._shield(json) is 'A document that can be taken apart.';
