-- _id_tail: a random second half for _id_at; that of a random UUID already has the bits of the variant.
create or replace function perdure._id_tail()
returns text
language sql volatile parallel safe
return right(gen_random_uuid()::text, 17);
comment on function perdure._id_tail() is 'A random second half for _id_at.';
