-- _unshield_escapes: _unshield for a document in which _shield has replaced escapes.
-- Called by  _unshield.
create or replace function perdure._unshield_escapes(p_document json)
returns json
language plpgsql stable strict parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
    return replace(p_document::text, chr(64976) || '\\u', '\u')::json;
end;
$$;
comment on function perdure._unshield_escapes(json) is 'A document with escapes as it was written.';
