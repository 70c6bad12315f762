-- _manifest_list: a list of a manifest; one that is absent or null is empty.
-- Called by  index_endpoint, _check_manifest.
create or replace function perdure._manifest_list(p_manifest jsonb, p_member text)
returns jsonb
language sql immutable parallel safe
return coalesce(nullif(p_manifest -> p_member, 'null'), '[]');
comment on function perdure._manifest_list(jsonb, text) is 'A list of a manifest; an absent one is empty.';
