-- _unshield: a part of a shielded document as the user wrote it, to be stored.
create or replace function perdure._unshield(p_document json)
returns json
language sql stable parallel safe
return case
    when position(chr(64976) in p_document::text) = 0 then p_document
    else perdure._unshield_escapes(p_document)
end;
comment on function perdure._unshield(json) is 'A part of a shielded document as it was written.';
