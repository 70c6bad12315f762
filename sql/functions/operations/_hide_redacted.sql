-- _hide_redacted: a document as people may see it: redacted texts in it are replaced.
-- Called by  _run_task_json, _failed_task_json, _begin_operations, perdure_views.tasks, itself.
create or replace function perdure._hide_redacted(p_document json)
returns json
language plpgsql stable strict security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_document json;
begin
    if position('"__redactedString"' in p_document::text) = 0 then
        return p_document;
    end if;
    v_document := perdure._shield(p_document);
    return perdure._unshield(case json_typeof(v_document)
        when 'object' then case
            when v_document -> '__redactedString' is not null then '"[REDACTED]"'::json
            else (
                select json_object_agg(m.key, perdure._hide_redacted(m.value)) from json_each(v_document) as m
            )
        end
        when 'array' then (
            select json_agg(perdure._hide_redacted(e.value) order by e.ordinality)
            from json_array_elements(v_document) with ordinality as e
        )
        else v_document
    end);
end;
$$;
comment on function perdure._hide_redacted(json) is 'A document without its redacted texts.';
