-- _hide_parameters: a URL for people: '…' stands in place of parameters that let somebody in.
-- Called by  _hide_credentials.
create or replace function perdure._hide_parameters(p_url text)
returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
    if strpos(p_url, '?') = 0 then
        return p_url;
    end if;
    return split_part(p_url, '?', 1) || '?' || (
        select string_agg(
            case
                when perdure._is_secret_name(split_part(p.pair, '=', 1)) or p.pair ~* '^(sig|signature|hmac)='
                    then split_part(p.pair, '=', 1) || '=…'
                else p.pair
            end,
            '&' order by p.ordinal
        )
        from string_to_table(substr(p_url, strpos(p_url, '?') + 1), '&') with ordinality as p (pair, ordinal)
    );
end;
$$;
comment on function perdure._hide_parameters(text) is 'A URL for people.';
