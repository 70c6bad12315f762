-- new_id: a new identifier, UUID version 7 (RFC 9562): 48 bits of milliseconds, 12 bits of the fraction of a
-- millisecond, 62 random bits. Ids made later sort later, down to a quarter of a microsecond. PostgreSQL has
-- its own only from 18 on.
-- Reads clock_timestamp(), not perdure.clock(): order of creation is not a comparison of times, and a test
-- that stops the clock still needs ids that ascend.
create or replace function perdure.new_id()
returns uuid
language plpgsql volatile parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    v_us constant bigint := (date_part('epoch', clock_timestamp()) * 1000000)::bigint;
    -- time, the version, fraction: the first half; the random second half already has the variant bits
    v_head constant bigint := ((v_us / 1000) << 16) | 28672 | ((v_us % 1000) * 4096 / 1000);
begin
    return encode(overlay(uuid_send(gen_random_uuid()) placing int8send(v_head) from 1), 'hex')::uuid;
end;
$$;
comment on function perdure.new_id() is 'A new UUIDv7.';
