-- _fold_case: a text without its case, to be compared with another: accents stay, and are the same whether they are
-- part of a letter or follow it. Each letter becomes its one small letter, every sigma the same: so ß is ẞ but not
-- ss, and İ is not i. That is how JavaScript compares with sensitivity "accent", which also ignores the difference
-- between a letter and its variants, such as a wide or a raised one; here they are letters of their own.
-- The letters that have a case are those of the database's locale; C knows only A to Z, with any accent.
-- Called by  _operator_matches; Postgres inlines it.
create or replace function perdure._fold_case(p_text text)
returns text
language sql immutable parallel safe
return translate(lower(normalize(p_text, nfd)), chr(962), chr(963));  -- the sigma at the end of a word
comment on function perdure._fold_case(text) is 'A text without its case.';
