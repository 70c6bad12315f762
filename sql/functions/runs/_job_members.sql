-- _job_members: the members of EXECUTE_JOB that all runs of a version of a job have in common, as text.
-- Arguments  p_members  environment, organization and project, as _environment_members makes them.
-- Called by  claim_runs, _plain_starts.
create or replace function perdure._job_members(p_slug text, p_version text, p_members text)
returns text
language sql stable
return concat('"job":{"id":', to_json(p_slug), ',"version":', to_json(p_version), '},', p_members);
comment on function perdure._job_members(text, text, text) is 'The members of a body that all runs of a job have.';
