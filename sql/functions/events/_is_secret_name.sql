-- _is_secret_name: does the value of a header or query parameter of this name let somebody in? Null for null.
-- Called by  _hide_credentials, _event_mismatch.
create or replace function perdure._is_secret_name(p_name text)
returns boolean
language sql immutable parallel safe
return p_name
~* '^(proxy-)?authorization$|^(set-)?cookie$|token|secret|passw|credential|(^|[-_])api[-_]?key|^key$|^pwd$';
comment on function perdure._is_secret_name(text) is 'Does a value of this name let somebody in?';
