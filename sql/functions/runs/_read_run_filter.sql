-- _read_run_filter: make a filter of a document.
-- Arguments  p_filter  {status?, job?, version?, from?, to?, tags?, text?, isTest?, fingerprint?}: status and
--            tags are lists of texts, from and to instants, fingerprint that of an error; null or {}: all runs.
-- Errors     JQ010 invalid_argument: names the member.
-- Called by  find_runs, run_histogram, begin_bulk_action, _next_of_bulk_action.
create or replace function perdure._read_run_filter(p_environment_id uuid, p_filter jsonb)
returns perdure.run_filter
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_filter constant jsonb := coalesce(p_filter, '{}'::jsonb);
    v_problem text;
begin
    v_problem := perdure._run_filter_problem(v_filter);
    if v_problem is not null then
        raise exception using errcode = 'JQ010', message = v_problem;
    end if;
    return perdure._run_filter(
        p_environment_id,
        array(select x.text from jsonb_array_elements_text(v_filter -> 'status') as x (text)),
        v_filter ->> 'job',
        v_filter ->> 'version',
        perdure._to_instant(v_filter ->> 'from'),
        perdure._to_instant(v_filter ->> 'to'),
        array(select x.text from jsonb_array_elements_text(v_filter -> 'tags') as x (text)),
        v_filter ->> 'text',
        (v_filter ->> 'isTest')::boolean,
        perdure._to_uuid(v_filter ->> 'fingerprint')
    );
end;
$$;
comment on function perdure._read_run_filter(uuid, jsonb) is 'Make a filter of a document.';
