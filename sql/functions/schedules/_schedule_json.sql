-- _schedule_json: a schedule of a dynamic trigger on the wire: {id, schedule, metadata?, active}.
-- Called by  register_schedule.
create or replace function perdure._schedule_json(p_schedule perdure.schedules)
returns json
language sql stable
begin atomic
    select perdure._json_object(
        perdure._member('id', to_json((p_schedule).key)),
        perdure._member('schedule', perdure._json_object(
            perdure._member('type', to_json((p_schedule).type)),
            perdure._member('options', perdure._json_object(
                perdure._member('seconds', to_json((p_schedule).seconds)),
                perdure._member('cron', to_json((p_schedule).cron)),
                perdure._member('timezone', to_json(nullif((p_schedule).time_zone, 'UTC')))
            )),
            perdure._member('accountId', (
                select to_json(a.identifier)
                from perdure.external_accounts as a
                where a.id = (p_schedule).external_account_id
            )),
            perdure._member('metadata', (p_schedule).metadata)
        )),
        perdure._member('metadata', (p_schedule).metadata),
        perdure._member('active', to_json((p_schedule).active))
    );
end;
comment on function perdure._schedule_json(perdure.schedules) is 'A schedule of a dynamic trigger on the wire.';
