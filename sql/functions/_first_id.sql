-- _first_id: the least id of an instant, as _id_at makes them: rows with ids from it on were made at it or later.
create or replace function perdure._first_id(p_at timestamptz)
returns uuid
language sql immutable strict parallel safe
-- An id has 48 bits of milliseconds: from 1970 to the year 10889.
return perdure._id_at(
    (least(greatest(date_part('epoch', p_at), 0), 281474976710) * 4096000)::bigint, '0000-000000000000'
);
comment on function perdure._first_id(timestamptz) is 'The least id of an instant.';
