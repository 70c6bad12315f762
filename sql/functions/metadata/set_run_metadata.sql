-- set_run_metadata: change the tags and the metadata of a run, which may have ended. The same change again changes
-- nothing.
-- Arguments  p_change  {addTags?, removeTags?: lists of texts of 1 to 200 characters, metadata?: object}. A tag in both
--            lists is added. Members of metadata replace those of the same name, null removes one.
-- Returns    {tags, metadata} as they are now.
-- Errors     JQ001 not_found; JQ010 invalid_argument: names the member, or the run would have more than 50 tags, or
--            metadata of more than 64 KiB.
-- Locks      the row of its metadata.
-- Called by  the server, apps in direct mode, psql.
create or replace function perdure.set_run_metadata(p_environment_id uuid, p_run_id uuid, p_change json)
returns json
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_run constant perdure.runs := perdure._find_run(p_environment_id, p_run_id);
    v_change constant json := perdure._shield(p_change);
    v_problem text;
    v_added text[];
    v_metadata jsonb;
begin
    if coalesce(json_typeof(v_change), '') <> 'object' then
        v_problem := 'must be an object, such as {"addTags": ["vip"]}';
    else
        v_problem := '.' || coalesce(
            perdure._tags_problem('addTags', v_change -> 'addTags'),
            perdure._tags_problem('removeTags', v_change -> 'removeTags'),
            perdure._metadata_problem(v_change -> 'metadata')
        );
    end if;
    if v_problem is not null then
        raise exception using
            errcode = 'JQ010',
            message = 'p_change' || case when starts_with(v_problem, '.') then '' else ' ' end || v_problem;
    end if;

    insert into perdure.run_metadata (run_id, metadata) values (v_run.id, '{}') on conflict (run_id) do nothing;
    select m.metadata into strict v_metadata from perdure.run_metadata as m where m.run_id = v_run.id for update;

    v_added := coalesce(perdure._tag_list(v_change -> 'addTags'), '{}');
    delete from perdure.run_tags as t
    where
        t.run_id = v_run.id and t.tag = any(perdure._tag_list(v_change -> 'removeTags')) and t.tag <> all(v_added);
    insert into perdure.run_tags (run_id, tag, environment_id)
    select v_run.id, a.tag, v_run.environment_id from unnest(v_added) as a (tag)
    on conflict (run_id, tag) do nothing;
    if (select count(*) from perdure.run_tags as t where t.run_id = v_run.id) > 50 then
        raise exception using
            errcode = 'JQ010', message = 'p_change.addTags: a run has at most 50 tags; remove some with removeTags';
    end if;

    v_metadata := perdure._merged_metadata(
        v_metadata, case json_typeof(v_change -> 'metadata') when 'object' then (v_change -> 'metadata')::jsonb else '{}' end
    );
    if octet_length(v_metadata::text) > 65536 then
        raise exception using
            errcode = 'JQ010', message = 'p_change.metadata: a run has at most 64 KiB of metadata';
    end if;
    update perdure.run_metadata as m
    set metadata = v_metadata
    where m.run_id = v_run.id and m.metadata <> v_metadata;
    return json_build_object(
        'tags', perdure._run_tags_json(v_run.id), 'metadata', perdure._run_metadata_json(v_run.id)
    );
end;
$$;
comment on function perdure.set_run_metadata(uuid, uuid, json) is 'Change the tags and the metadata of a run.';
