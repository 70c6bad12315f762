-- saved_filters: what somebody looks for again and again on the dashboard's list of runs. Written only by
-- sql/functions/saved_filters/.
create table perdure.saved_filters (
    id uuid primary key,
    environment_id uuid not null references perdure.environments (id),
    user_id uuid not null references perdure.users (id),
    name text not null,
    query text not null,  -- of the page's address
    created_at timestamptz not null,
    constraint saved_filters_name_unique unique (environment_id, user_id, name),
    constraint saved_filters_name_fits check (char_length(name) between 1 and 80),
    constraint saved_filters_query_fits check (char_length(query) <= 4000)
);
comment on table perdure.saved_filters is 'What people look for again and again.';
