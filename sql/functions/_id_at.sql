-- _id_at: an identifier of an instant, UUID version 7 (RFC 9562): 48 bits of milliseconds, 12 bits of the fraction of a
-- millisecond, 62 random bits. Rows made together get ids in a certain order by _id_now() plus the place of each.
-- Arguments  p_ticks  the instant: 4096ths of a millisecond since 1970; p_tail  the second half: rows that are made
--            together may share one.
create or replace function perdure._id_at(p_ticks bigint, p_tail text default perdure._id_tail())
returns uuid
language sql immutable parallel safe
-- 15 hexadecimal digits with the version's between them, and the second half.
return (overlay(lpad(to_hex(p_ticks), 15, '0') placing '7' from 13 for 0) || p_tail)::uuid;
comment on function perdure._id_at(bigint, text) is 'A UUIDv7 of an instant.';
