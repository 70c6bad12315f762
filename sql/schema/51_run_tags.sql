-- run_tags: short texts by which people find runs. A run without tags has no row. Written only by
-- sql/functions/metadata/. A row lives as long as its run.
create table perdure.run_tags (
    run_id uuid not null,
    tag text not null,
    environment_id uuid not null,  -- the run's
    primary key (run_id, tag),
    constraint run_tags_tag_fits check (char_length(tag) between 1 and 200)
);
comment on table perdure.run_tags is 'Short texts by which people find runs.';
-- Serves list_runs by tag: newest first.
create unique index run_tags_search_idx on perdure.run_tags (environment_id, tag, run_id);
