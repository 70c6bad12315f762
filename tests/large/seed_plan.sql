-- The plan of the seeded database: what run number 1 (the oldest) to the last is. seed_rows.sql writes it down.
-- Parameters: environment_id, runs, needle.
create unlogged table perdure_large.plan as
select
    i.run,
    b.at,
    i.run = %(runs)s / 2 as is_middle,
    i.run %% 500 = 1 as is_test,
    %(environment_id)s::uuid as environment_id,
    case when i.run = %(runs)s / 2 then %(needle)s else 'leave it at the door' end as note,
    perdure._id_at(b.ticks, '8000-' || h.digits) as event_id,
    perdure._id_at(b.ticks, '8001-' || h.digits) as run_id,
    left(perdure._id_at(b.ticks, '8000-' || h.digits)::text, 19) as first_half,
    h.digits,
    v.job_id,
    v.id as job_version_id,
    v.endpoint_id,
    replace(j.slug, 'job', 'event') as event_name,
    case
        when i.run > %(runs)s - 200 then 'EXECUTING'
        when i.run > %(runs)s - 700 then 'QUEUED'
        when i.run = %(runs)s / 2 then 'ABORTED'
        when i.run %% 50 = 7 then 'WAITING_TO_CONTINUE'
        when i.run %% 1000 = 11 then 'WAITING_TO_EXECUTE'
        when i.run %% 100 = 3 then 'CANCELED'
        when i.run %% 400 = 5 then 'FAILURE'
        when i.run %% 2000 = 9 then 'TIMED_OUT'
        else 'SUCCESS'
    end as status
from generate_series(1::bigint, %(runs)s) as i (run)
cross join lateral (
    -- They began evenly spread over thirty days.
    select now() - (%(runs)s - i.run) * (interval '30 days' / %(runs)s)
) as t (at)
cross join lateral (select t.at, (extract(epoch from t.at) * 4096000)::bigint) as b (at, ticks)
cross join lateral (select lpad(to_hex(i.run), 12, '0')) as h (digits)
inner join perdure.jobs as j on j.slug = case when i.run %% 2000 = 0 then 'rare' else 'job-' || 1 + i.run %% 19 end
inner join perdure.job_versions as v on v.job_id = j.id and v.environment_id = %(environment_id)s
order by i.run
