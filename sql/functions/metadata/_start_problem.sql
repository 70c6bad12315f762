-- _start_problem: what is wrong with the tags and metadata among the options with which runs are started.
-- Returns    null: nothing.
-- Called by  _send_options_problem, _check_invocation.
create or replace function perdure._start_problem(p_options json)
returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    if p_options -> 'tags' is null and p_options -> 'metadata' is null then
        return null;
    end if;
    return coalesce(
        perdure._tags_problem('tags', p_options -> 'tags'), perdure._metadata_problem(p_options -> 'metadata')
    );
end;
$$;
comment on function perdure._start_problem(json) is 'What is wrong with tags and metadata for new runs.';
