-- run_tags: the tags of runs, a row each. To find runs by a tag quickly, start here, with the environment.
create or replace view perdure_views.run_tags as
select
    t.run_id,
    t.environment_id,
    t.tag
from perdure.run_tags as t;
comment on view perdure_views.run_tags is 'The tags of runs.';
