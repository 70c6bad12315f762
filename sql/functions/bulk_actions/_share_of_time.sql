-- _share_of_time: how far an instant lies on the way back from a later one to an earlier one, all given by ids.
-- Returns    0 to 1, four digits.
-- Called by  _bulk_action_json.
create or replace function perdure._share_of_time(p_later_id uuid, p_id uuid, p_earlier_id uuid)
returns numeric
language sql immutable strict parallel safe
return round(least(1, greatest(0, coalesce(
    extract(epoch from perdure._id_time(p_later_id) - perdure._id_time(p_id))
    / nullif(extract(epoch from perdure._id_time(p_later_id) - perdure._id_time(p_earlier_id)), 0),
    0
))), 4);
comment on function perdure._share_of_time(uuid, uuid, uuid) is 'How far an instant lies between two others.';
