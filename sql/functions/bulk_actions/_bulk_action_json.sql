-- _bulk_action_json: a bulk action as it is shown.
-- Returns    {id, kind, status, by, filter, selected, done, skipped, message, progress, searchedTo, createdAt,
--            updatedAt, completedAt}: selected, how many runs were named, null: all that pass filter; progress from 0
--            to 1, of an action by filter by the time between the newest and the oldest run; searchedTo: the runs
--            created since are done.
-- Called by  get_bulk_action, list_bulk_actions.
create or replace function perdure._bulk_action_json(p_action perdure.bulk_actions)
returns json
language sql stable
return json_build_object(
    'id', (p_action).id,
    'kind', (p_action).kind,
    'status', (p_action).status,
    'by', (p_action).user_email,
    'filter', (p_action).filter,
    'selected', cardinality((p_action).run_ids),
    'done', (p_action).done_count,
    'skipped', (p_action).skipped_count,
    'message', (p_action).message,
    'progress', case
        when (p_action).status = 'COMPLETED' then 1
        when (p_action).run_ids is not null
        then ((p_action).done_count + (p_action).skipped_count) / cardinality((p_action).run_ids)::numeric
        else perdure._share_of_time((p_action).until_id, (p_action).searched_to, (p_action).from_id)
    end,
    'searchedTo', perdure._iso(perdure._id_time((p_action).searched_to)),
    'createdAt', perdure._iso((p_action).created_at),
    'updatedAt', perdure._iso((p_action).updated_at),
    'completedAt', perdure._iso((p_action).completed_at)
);
comment on function perdure._bulk_action_json(perdure.bulk_actions) is 'A bulk action as it is shown.';
