-- _task_id_tail: the second half of a lone task's id for _id_at, from what the task is unique by. A random one costs a
-- step more: a Postgres that was built without OpenSSL opens the system's generator each time.
create or replace function perdure._task_id_tail(p_run_id uuid, p_idempotency_key text)
returns text
language sql immutable parallel safe
-- 62 bits of a hash behind the two of the variant.
return to_hex(
    hashtextextended(p_idempotency_key, uuid_hash_extended(p_run_id, 0)) & x'3fffffffffffffff'::bigint
    | x'8000000000000000'::bigint
);
comment on function perdure._task_id_tail(uuid, text) is 'The second half of a lone task''s id.';
