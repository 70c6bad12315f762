-- dead_letters: runs that failed because nobody could execute them.
create or replace view perdure_views.dead_letters as
select
    d.run_id,
    d.environment_id,
    k.slug as job,
    d.reason,
    d.created_at
from perdure.dead_letters as d
inner join perdure.runs as r on r.id = d.run_id
inner join perdure.jobs as k on k.id = r.job_id;
comment on view perdure_views.dead_letters is 'Runs out of attempts, with the reason.';
