-- new_id: a new identifier, a UUID version 7 as _id_at makes them. Ids made later sort later, down to a microsecond.
-- PostgreSQL has its own only from 18 on.
create or replace function perdure.new_id()
returns uuid
language sql volatile parallel safe
return perdure._id_at(perdure._id_now());
comment on function perdure.new_id() is 'A new UUIDv7.';
