-- _new_callback_secret: the secret part of a callback's URL: 96 random bits, 24 hex digits.
create or replace function perdure._new_callback_secret()
returns text
language sql volatile
return left(encode(sha256(uuid_send(gen_random_uuid())), 'hex'), 24);
comment on function perdure._new_callback_secret() is 'The secret part of a callback''s URL.';
