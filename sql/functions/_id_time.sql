-- _id_time: when a row with this id was made, to the millisecond. PostgreSQL has its own only from 17 on.
create or replace function perdure._id_time(p_id uuid)
returns timestamptz
language sql immutable strict parallel safe
return to_timestamp(('x0000' || left(replace(p_id::text, '-', ''), 12))::bit(64)::bigint / 1000.0);
comment on function perdure._id_time(uuid) is 'When a row with this id was made.';
