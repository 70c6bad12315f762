-- grants: the trust boundary, whole. Loaded last. Nobody but perdure_owner touches a table; the other roles
-- execute what is listed here, and read views. A function that is not listed is for the owner:
-- administration, and the engine's own parts.
--   perdure_app         apps in direct mode
--   perdure_server      the HTTP server; all that perdure_app may, and what its API needs
--   perdure_dispatcher  dispatchers
--   perdure_readonly    people and tools that look; reads perdure_views
revoke all on all functions in schema perdure
from public, perdure_app, perdure_server, perdure_dispatcher, perdure_readonly;
revoke all on all tables in schema perdure
from public, perdure_app, perdure_server, perdure_dispatcher, perdure_readonly;
revoke all on all tables in schema perdure_views
from public, perdure_app, perdure_server, perdure_dispatcher, perdure_readonly;
revoke all on schema perdure, perdure_views from public;

grant usage on schema perdure to perdure_app, perdure_server, perdure_dispatcher;
grant usage on schema perdure_views to perdure_readonly, perdure_app, perdure_server;
grant select on all tables in schema perdure_views to perdure_readonly, perdure_app, perdure_server;

grant execute on function
perdure.clock,
perdure.get_environment,
perdure.send_events,
perdure.send_event,
perdure.get_event,
perdure.cancel_event,
perdure.cancel_event_runs,
perdure.event_matches,
perdure.get_run,
perdure.list_runs,
perdure.cancel_run
to perdure_app, perdure_server;

grant execute on function
perdure.authenticate,
perdure.get_signing_secrets,
perdure.describe_environment,
perdure.set_setting,
perdure.register_endpoint,
perdure.get_endpoint,
perdure.list_endpoints,
perdure.index_endpoint,
perdure.record_index_failure,
perdure.get_index,
perdure.get_cached_tasks,
perdure.upsert_tasks,
perdure.finish_tasks,
perdure.update_source,
perdure.receive_source_request,
perdure.doctor
to perdure_server;

grant execute on function
perdure.claim_runs,
perdure.apply_results,
perdure.promote_due,
perdure.claim_deliveries,
perdure.apply_delivery_results
to perdure_dispatcher;
