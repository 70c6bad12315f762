-- _semver_key: a version as a text that sorts as semver orders versions: numbers by value, 1.10.0 after
-- 1.9.0, a pre-release before its release. To be compared with collate "C".
create or replace function perdure._semver_key(p_version text)
returns text
language sql immutable parallel safe
return (
    select numbers.key || coalesce('-' || prerelease.key, '~')  -- ~ comes after every pre-release
    from (
        select string_agg(lpad(n.number, 12, '0'), '.' order by n.ordinal) as key
        from string_to_table(split_part(split_part(p_version, '+', 1), '-', 1), '.')
            with ordinality as n (number, ordinal)
    ) as numbers
    cross join (
        select string_agg(k.key, ' ' order by i.ordinal) as key  -- below everything that an identifier may hold
        from string_to_table(substring(split_part(p_version, '+', 1) from '-(.*)$'), '.')
            with ordinality as i (identifier, ordinal)
        cross join lateral (select ltrim(i.identifier, '0') as digits) as d
        cross join lateral (
            select
                case
                    -- Numbers come before the others and compare by value: the longer one is higher.
                    when i.identifier ~ '^[0-9]+$' then '0' || lpad(length(d.digits)::text, 6, '0') || d.digits
                    else '1' || i.identifier
                end as key
        ) as k
    ) as prerelease
);
comment on function perdure._semver_key(text) is 'A version as a text that sorts in semver order.';
