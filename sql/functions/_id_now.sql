-- _id_now: this instant for _id_at: 4096ths of a millisecond since 1970. Reads clock_timestamp(), not perdure.clock():
-- order of creation is not a comparison of times, and a test that stops the clock still needs ids that ascend.
create or replace function perdure._id_now()
returns bigint
language sql volatile parallel safe
return (date_part('epoch', clock_timestamp()) * 4096000)::bigint;
comment on function perdure._id_now() is 'This instant for _id_at.';
