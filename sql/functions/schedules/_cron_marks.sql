-- _cron_marks: one field of a cron expression as a text of marks: '1' at each value that matches, from p_least on.
-- Arguments  p_name   what the field is called in messages;
--            p_field  in capitals: values, ranges and steps, separated by commas;
--            p_least, p_most  the numbers that are allowed;
--            p_names  names of the numbers from p_least on; null: none.
-- Errors     JQ010 invalid_argument: names the field, what it was and what is allowed.
-- Called by  _cron_fields.
create or replace function perdure._cron_marks(
    p_name text, p_field text, p_least integer, p_most integer, p_names text[] default null
)
returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    v_marks bit varying := repeat('0', p_most - p_least + 1)::bit varying;
    v_term text;
    v_parts text[];  -- first value, last value, step; the first is * for all, the others are null when absent
    v_first integer;
    v_last integer;
    v_step integer;
begin
    foreach v_term in array string_to_array(p_field, ',') loop
        v_parts := regexp_match(v_term, '^(\*|[0-9]{1,4}|[A-Z]+)(?:-([0-9]{1,4}|[A-Z]+))?(?:/([0-9]{1,4}))?$');
        v_first := case
            when v_parts[1] = '*' and v_parts[2] is null then p_least
            when v_parts[1] ~ '^[0-9]' then v_parts[1]::integer
            else array_position(p_names, v_parts[1]) - 1 + p_least
        end;
        v_last := case
            when v_parts[2] ~ '^[0-9]' then v_parts[2]::integer
            when v_parts[2] is not null then array_position(p_names, v_parts[2]) - 1 + p_least
            when v_parts[1] = '*' or v_parts[3] is not null then p_most
            else v_first
        end;
        v_step := coalesce(v_parts[3]::integer, 1);
        if (v_first between p_least and v_last and v_last <= p_most and v_step > 0) is not true then
            raise exception using
                errcode = 'JQ010',
                message = format(
                    'cron: %s must be * or values in %s-%s%s, such as 1 or 1-5, each with a step if you like (*/2), '
                    'several separated by commas, not %L',
                    p_name,
                    p_least,
                    p_most,
                    ' or ' || p_names[1] || '-' || p_names[cardinality(p_names)],
                    v_term
                );
        end if;
        v_marks := v_marks | (
            repeat('0', v_first - p_least)
            || left(repeat(rpad('1', v_step, '0'), (v_last - v_first) / v_step + 1), v_last - v_first + 1)
            || repeat('0', p_most - v_last)
        )::bit varying;
    end loop;
    return v_marks::text;
end;
$$;
comment on function perdure._cron_marks(text, text, integer, integer, text[]) is 'One field of a cron expression.';
