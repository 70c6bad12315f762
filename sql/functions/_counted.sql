-- _counted: a number with its noun: 1 run, 2 runs.
create or replace function perdure._counted(p_number bigint, p_noun text)
returns text
language sql immutable parallel safe
return p_number || ' ' || p_noun || case when p_number = 1 then '' else 's' end;
comment on function perdure._counted(bigint, text) is 'A number with its noun.';
