-- _new_callback_secret: the secret part of a callback's URL: 96 random bits, 24 hex digits.
-- Arguments  p_callback  of a TaskRecord: {enabled, timeoutInSeconds?}.
-- Returns    null: the task is not to be called back.
create or replace function perdure._new_callback_secret(p_callback json)
returns text
language sql volatile
return case
    when p_callback ->> 'enabled' = 'true' then left(encode(sha256(uuid_send(gen_random_uuid())), 'hex'), 24)
end;
comment on function perdure._new_callback_secret(json) is 'The secret part of a callback''s URL.';
