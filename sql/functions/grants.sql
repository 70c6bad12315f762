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
perdure.find_events,
perdure.explain_event,
perdure.list_event_runs,
perdure.replay_event,
perdure.cancel_event,
perdure.cancel_event_runs,
perdure.event_matches,
perdure.request_matches,
perdure.get_run,
perdure.list_runs,
perdure.find_runs,
perdure.run_histogram,
perdure.begin_bulk_action,
perdure.stop_bulk_action,
perdure.get_bulk_action,
perdure.list_bulk_actions,
perdure.cancel_run,
perdure.rerun_run,
perdure.rerun_from_task,
perdure.continue_run,
perdure.set_task_output,
perdure.get_run_statuses,
perdure.set_run_status,
perdure.set_run_metadata,
perdure.create_run_token,
perdure.list_job_runs,
perdure.cancel_job_runs,
perdure.invoke_job,
perdure.explain_wait,
perdure.set_job_concurrency_limit,
perdure.pause_job,
perdure.resume_job,
perdure.pause_queue,
perdure.resume_queue,
perdure.pause_environment,
perdure.resume_environment,
perdure.environment_of_key,
perdure.begin_task,
perdure.end_task,
perdure.watch_table,
perdure._check_watch,
perdure.unwatch_table,
perdure.tg_watched_table__send_events,
perdure.register_ephemeral_dispatcher,
perdure.get_store_item,
perdure.has_store_item,
perdure.set_store_item,
perdure.delete_store_item,
perdure.next_cron_fire,
perdure.next_interval_fire,
perdure.preview_schedule,
perdure.list_next_fires,
perdure.redeliver,
perdure.pause_schedule,
perdure.resume_schedule,
perdure.fire_schedule
to perdure_app, perdure_server;

grant execute on function
perdure.authenticate,
perdure.authenticate_run_token,
perdure.find_changed_runs,
perdure.get_signing_secrets,
perdure.keep_sealed_key,
perdure.describe_environment,
perdure.set_setting,
perdure.register_endpoint,
perdure.connect_endpoint,
perdure.renew_leases,
perdure.get_endpoint,
perdure.get_endpoint_access,
perdure.list_endpoints,
perdure.index_endpoint,
perdure.record_index_failure,
perdure.request_index,
perdure.probe_endpoint,
perdure.get_index,
perdure.get_cached_tasks,
perdure.store_task,
perdure.upsert_tasks,
perdure.finish_tasks,
perdure.complete_callback,
perdure.update_source,
perdure.register_source,
perdure.receive_source_request,
perdure.list_http_endpoints,
perdure.receive_http_endpoint_request,
perdure.update_webhook,
perdure.register_webhook,
perdure.register_dynamic_trigger,
perdure.register_schedule,
perdure.unregister_schedule,
perdure.create_connection,
perdure.get_connection,
perdure.delete_connection,
perdure.get_auth,
perdure.doctor
to perdure_server;

-- The dashboard's, which the server serves.
grant execute on function
perdure.list_jobs,
perdure.list_queues,
perdure.get_job,
perdure.list_job_payloads,
perdure.test_job,
perdure.create_owner_link,
perdure.get_owner_link,
perdure.create_owner,
perdure.create_organization,
perdure.begin_login,
perdure.open_session,
perdure.touch_session,
perdure.close_session,
perdure.change_password,
perdure.create_password_reset,
perdure.get_password_reset,
perdure.reset_password,
perdure.list_sessions,
perdure.end_session,
perdure.end_other_sessions,
perdure.has_password,
perdure.take_login_link,
perdure.begin_oidc_login,
perdure.take_oidc_login,
perdure.log_in_identity,
perdure.list_organizations,
perdure.list_members,
perdure.list_invitations,
perdure.get_invitation,
perdure.invite_member,
perdure.revoke_invitation,
perdure.accept_invitation,
perdure.change_member_role,
perdure.remove_member,
perdure.audit,
perdure.list_audit_log,
perdure.set_schedules_enabled,
perdure.save_filter,
perdure.list_saved_filters,
perdure.delete_saved_filter,
perdure.list_failure_groups,
perdure.get_failure_group,
perdure.redrive_dead_letters,
perdure.list_run_rates,
perdure.count_work,
perdure.list_attention,
perdure.create_project,
perdure.create_environment,
perdure.create_api_key,
perdure.rotate_api_key,
perdure.end_api_key,
perdure.rotate_index_hook,
perdure.set_run_limits
to perdure_server;

-- Used in views, where they are executed as whoever reads.
grant execute on function
perdure._hide_credentials,
perdure._hide_redacted,
perdure._redact,
perdure._watch_of
to perdure_readonly, perdure_app, perdure_server;

grant execute on function
perdure.claim_runs,
perdure.apply_results,
perdure.promote_due,
perdure.claim_deliveries,
perdure.apply_delivery_results
to perdure_dispatcher;

-- For the apps whose connections the server holds, it is their dispatcher.
grant execute on function
perdure.claim_runs,
perdure.apply_results,
perdure.claim_deliveries,
perdure.apply_delivery_results,
perdure.send_and_claim
to perdure_server;
