-- _page_of_runs: which runs list_runs shows, newest first, and one more where there are more.
-- Arguments  as list_runs.
-- Called by  list_runs.
create or replace function perdure._page_of_runs(
    p_environment_id uuid, p_status text, p_job text, p_cursor uuid, p_take integer, p_tags text[]
)
returns uuid[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce(cardinality(p_tags), 0) = 0 then
        return array(
            select r.id
            from perdure.runs as r
            inner join perdure.jobs as j on j.id = r.job_id and not j.internal
            where
                r.environment_id = p_environment_id
                and (p_status is null or r.status = p_status)
                and (p_job is null or j.slug = p_job)
                and (p_cursor is null or r.id <= p_cursor)
            order by r.id desc
            limit p_take + 1
        );
    end if;
    return array(
        select t.run_id
        from perdure.run_tags as t
        inner join perdure.runs as r on r.id = t.run_id
        inner join perdure.jobs as j on j.id = r.job_id and not j.internal
        where
            t.environment_id = p_environment_id
            and t.tag = p_tags[1]
            and (p_status is null or r.status = p_status)
            and (p_job is null or j.slug = p_job)
            and (p_cursor is null or t.run_id <= p_cursor)
            and not exists (
                select 1
                from unnest(p_tags) as w (tag)
                where not exists (select 1 from perdure.run_tags as o where o.run_id = t.run_id and o.tag = w.tag)
            )
        order by t.run_id desc
        limit p_take + 1
    );
end;
$$;
comment on function perdure._page_of_runs(uuid, text, text, uuid, integer, text[]) is 'Which runs list_runs shows.';
