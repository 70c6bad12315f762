-- _new_secret: what a source or a webhook shares with its provider: 64 hexadecimal digits, of 244 random bits.
create or replace function perdure._new_secret()
returns text
language sql volatile parallel safe
return encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex');
comment on function perdure._new_secret() is 'A new shared secret.';
