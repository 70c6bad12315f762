"""Who may do what: each role's functions against a list of its own, and no table for anybody."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.sql.rows import snapshot
from tests.support.builders import Builders
from tests.support.database import Database

HIDING = {"_hide_credentials", "_hide_redacted", "_redact", "_watch_of"}  # in views
APP = HIDING | {
    "_check_watch",
    "begin_bulk_action",
    "begin_task",
    "cancel_event",
    "cancel_event_runs",
    "cancel_job_runs",
    "cancel_run",
    "clock",
    "continue_run",
    "create_run_token",
    "delete_store_item",
    "end_task",
    "environment_of_key",
    "event_matches",
    "explain_event",
    "explain_wait",
    "find_events",
    "find_runs",
    "fire_schedule",
    "get_bulk_action",
    "get_environment",
    "get_event",
    "get_run",
    "get_run_statuses",
    "get_store_item",
    "has_store_item",
    "invoke_job",
    "list_bulk_actions",
    "list_event_runs",
    "list_job_runs",
    "list_next_fires",
    "list_runs",
    "next_cron_fire",
    "next_interval_fire",
    "pause_environment",
    "pause_job",
    "pause_queue",
    "pause_schedule",
    "preview_schedule",
    "redeliver",
    "register_ephemeral_dispatcher",
    "replay_event",
    "request_matches",
    "rerun_from_task",
    "rerun_run",
    "resume_environment",
    "resume_job",
    "resume_queue",
    "resume_schedule",
    "run_histogram",
    "send_event",
    "send_events",
    "set_job_concurrency_limit",
    "set_run_metadata",
    "set_run_status",
    "set_store_item",
    "set_task_output",
    "stop_bulk_action",
    "tg_watched_table__send_events",
    "unwatch_table",
    "watch_table",
}
SERVER = APP | {
    "authenticate",
    "authenticate_run_token",
    "complete_callback",
    "connect_endpoint",
    "create_connection",
    "delete_connection",
    "describe_environment",
    "doctor",
    "find_changed_runs",
    "finish_tasks",
    "get_auth",
    "get_cached_tasks",
    "get_connection",
    "get_endpoint",
    "get_endpoint_access",
    "get_index",
    "get_signing_secrets",
    "index_endpoint",
    "keep_sealed_key",
    "list_endpoints",
    "list_http_endpoints",
    "probe_endpoint",
    "receive_http_endpoint_request",
    "receive_source_request",
    "record_index_failure",
    "register_dynamic_trigger",
    "register_endpoint",
    "register_schedule",
    "register_source",
    "register_webhook",
    "renew_leases",
    "request_index",
    "set_setting",
    "store_task",
    "unregister_schedule",
    "update_source",
    "update_webhook",
    "upsert_tasks",
}
DASHBOARD = {
    "accept_invitation",
    "audit",
    "begin_login",
    "begin_oidc_login",
    "change_member_role",
    "change_password",
    "close_session",
    "count_work",
    "create_api_key",
    "create_environment",
    "create_organization",
    "create_owner",
    "create_owner_link",
    "create_password_reset",
    "create_project",
    "delete_saved_filter",
    "end_api_key",
    "end_other_sessions",
    "end_session",
    "get_failure_group",
    "get_invitation",
    "get_job",
    "get_owner_link",
    "get_password_reset",
    "has_password",
    "invite_member",
    "list_attention",
    "list_audit_log",
    "list_failure_groups",
    "list_invitations",
    "list_job_payloads",
    "list_jobs",
    "list_members",
    "list_organizations",
    "list_queues",
    "list_run_rates",
    "list_saved_filters",
    "list_sessions",
    "log_in_identity",
    "open_session",
    "redrive_dead_letters",
    "remove_member",
    "reset_password",
    "revoke_invitation",
    "rotate_api_key",
    "rotate_index_hook",
    "save_filter",
    "set_run_limits",
    "set_schedules_enabled",
    "take_login_link",
    "take_oidc_login",
    "test_job",
    "touch_session",
}
CLAIMS = {"apply_delivery_results", "apply_results", "claim_deliveries", "claim_runs"}
DISPATCHER = CLAIMS | {"promote_due"}
FUNCTIONS = {
    "perdure_app": APP,
    "perdure_server": SERVER | DASHBOARD | CLAIMS | {"connect_endpoint", "renew_leases", "send_and_claim"},
    "perdure_dispatcher": DISPATCHER,
    "perdure_readonly": HIDING,
    "public": set[str](),
}
ROLES = ["perdure_app", "perdure_server", "perdure_dispatcher", "perdure_readonly"]
VIEWS = {
    "api_keys",
    "attempts",
    "connections",
    "dead_letters",
    "deliveries",
    "delivery_events",
    "dynamic_trigger_registrations",
    "dynamic_triggers",
    "endpoints",
    "environments",
    "events",
    "executions",
    "http_endpoints",
    "integrations",
    "jobs",
    "migrations",
    "missing_connections",
    "pauses",
    "run_failures",
    "run_statuses",
    "run_tags",
    "runs",
    "schedules",
    "sources",
    "store_items",
    "tasks",
    "watched_tables",
    "webhooks",
}
PERMISSION_DENIED = "42501"


@pytest.mark.parametrize("role", FUNCTIONS)
def test_each_role_may_execute_its_functions_and_no_others(pure_db: Database, role: str) -> None:
    # The clock is not asked about: the databases of tests have their own.
    rows = pure_db.rows(
        """
        select p.proname from pg_proc as p
        where
            p.pronamespace = 'perdure'::regnamespace and p.proname <> 'clock'
            and case
                when %(role)s = 'public' then exists (
                    select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
                    where a.grantee = 0 and a.privilege_type = 'EXECUTE'
                )
                else has_function_privilege(nullif(%(role)s, 'public'), p.oid, 'execute')
            end
        """.replace("%(role)s", f"'{role}'")
    )
    assert {row.proname for row in rows} == FUNCTIONS[role] - {"clock"}


def test_the_owner_of_everything_is_no_superuser_and_logs_in_nowhere(pure_db: Database) -> None:
    (owner,) = pure_db.rows(
        "select rolsuper, rolcanlogin, rolcreaterole from pg_roles where rolname = 'perdure_owner'"
    )
    assert tuple(owner) == (False, False, False)
    rows = pure_db.rows(
        """
        select p.oid::regprocedure::text as name from pg_proc as p join pg_roles as r on r.oid = p.proowner
        where
            p.pronamespace = 'perdure'::regnamespace and r.rolname <> 'perdure_owner' and p.proname <> 'clock'
        union all
        select c.oid::regclass::text from pg_class as c join pg_roles as r on r.oid = c.relowner
        where
            c.relnamespace in ('perdure'::regnamespace, 'perdure_views'::regnamespace)
            and c.relkind in ('r', 'v') and r.rolname <> 'perdure_owner'
        """
    )
    assert [row.name for row in rows] == []


def test_every_function_table_and_view_says_what_it_is(pure_db: Database) -> None:
    rows = pure_db.rows(
        """
        select p.oid::regprocedure::text as name from pg_proc as p
        where p.pronamespace = 'perdure'::regnamespace and obj_description(p.oid, 'pg_proc') is null
        union all
        select c.oid::regclass::text from pg_class as c
        where
            c.relnamespace in ('perdure'::regnamespace, 'perdure_views'::regnamespace)
            and c.relkind in ('r', 'v') and obj_description(c.oid, 'pg_class') is null
        """
    )
    assert [row.name for row in rows if row.name != "perdure.clock()"] == []


def test_every_function_that_acts_for_the_owner_has_a_fixed_search_path(pure_db: Database) -> None:
    rows = pure_db.rows(
        """
        select p.oid::regprocedure::text as name from pg_proc as p
        where
            p.pronamespace = 'perdure'::regnamespace and p.prosecdef
            and not coalesce('search_path=pg_catalog, pg_temp' = any(p.proconfig), false)
        """
    )
    assert [row.name for row in rows] == []


def statements(db: Database) -> Iterator[tuple[str, str]]:
    """For each table of ours, something of every kind that a role might try on it."""
    rows = db.rows(
        """
        select format('%I.%I', n.nspname, c.relname) as name, format('%I', a.attname) as column_name
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        join pg_attribute as a on a.attrelid = c.oid and a.attnum = c.relnatts
        where
            c.relkind in ('r', 'p')
            and (n.nspname = 'perdure' or (n.nspname = 'pgmq' and c.relname like '%perdure%'))
        order by 1
        """
    )
    assert len(rows) > 20
    for row in rows:
        yield row.name, f"select {row.column_name} from {row.name}"
        yield row.name, f"insert into {row.name} default values"
        yield row.name, f"update {row.name} set {row.column_name} = {row.column_name}"
        yield row.name, f"delete from {row.name}"
        yield row.name, f"truncate {row.name}"


@pytest.mark.parametrize("role", ROLES)
def test_no_role_touches_a_table(db: Database, builders: Builders, role: str) -> None:
    builders.run()
    before = snapshot(db)
    allowed = []
    with db.as_role(role) as other:
        for _, statement in statements(db):
            try:
                other.execute(statement)
            except psycopg.errors.InsufficientPrivilege:
                continue
            allowed.append(statement)
        for statement in ("create table perdure.mine ()", "create view perdure_views.mine as select 1"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                other.execute(statement)
    assert allowed == []
    assert snapshot(db) == before


@pytest.mark.parametrize("role", ROLES)
def test_a_function_that_is_not_granted_is_refused(db: Database, role: str) -> None:
    forbidden: list[Any] = [
        "select perdure.requeue_run(null)",
        "select perdure._cancel_runs('{}')",
        "select perdure._enqueue_runs('{}')",
    ]
    if role != "perdure_dispatcher":
        forbidden.append("select perdure.promote_due()")
    if role != "perdure_server":
        forbidden += ["select perdure.doctor()", "select perdure.create_project('a', 'b')"]
    with db.as_role(role) as other:
        for statement in forbidden:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                other.execute(statement)


def test_each_role_does_its_work(db: Database, builders: Builders) -> None:
    """The rights are enough for a run from beginning to end."""
    environment = builders.environment()
    endpoint = builders.endpoint(environment=environment)
    with (
        db.as_role("perdure_app") as app,
        db.as_role("perdure_dispatcher") as dispatcher,
        db.as_role("perdure_server") as server,
    ):
        assert len(server.call("authenticate", environment.key)) == 1
        app.call("send_event", endpoint.environment.id, "greet", {}, "e-1")
        (run,) = app.call("get_event", endpoint.environment.id, "e-1")["runs"]
        (claimed,) = dispatcher.call("claim_runs", "worker", 1)
        call = {
            "environmentId": environment.id,
            "runId": run["id"],
            "leaseNumber": 1,
            "task": {"idempotencyKey": "a"},
        }
        assert server.call("upsert_tasks", [call])[0].error_code is None
        result = {
            "runId": run["id"],
            "leaseNumber": claimed.lease_number,
            "verdict": "REFUSED",
            "durationMs": 1,
        }
        assert dispatcher.call("apply_results", [result])[0].outcome == "FAILURE"
        assert dispatcher.call("promote_due") == [(0, 0, 0, None)]
        assert app.call("get_run", environment.id, run["id"])["status"] == "FAILURE"
        assert server.call("doctor") == []


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("perdure_readonly", True),
        ("perdure_app", True),
        ("perdure_server", True),
        ("perdure_dispatcher", False),
    ],
)
def test_who_may_read_the_views(db: Database, builders: Builders, role: str, may: bool) -> None:
    builders.run()
    names = {
        row.name
        for row in db.rows("select viewname as name from pg_views where schemaname = 'perdure_views'")
    }
    assert names == VIEWS
    refused = set()
    with db.as_role(role) as reader:
        for name in sorted(names):
            try:
                reader.rows(f"select * from perdure_views.{name}")
            except psycopg.errors.InsufficientPrivilege:
                refused.add(name)
    assert refused == (set() if may else names)


@pytest.mark.parametrize("role", ROLES)
def test_nobody_writes_through_a_view(db: Database, builders: Builders, role: str) -> None:
    builders.run()
    with db.as_role(role) as other:
        for name in sorted(VIEWS):
            for statement in (
                f"delete from perdure_views.{name}",
                f"insert into perdure_views.{name} default values",
            ):
                with pytest.raises(psycopg.DatabaseError) as caught:
                    other.execute(statement)
                # 55000: the view itself does not allow it
                assert caught.value.sqlstate in (PERMISSION_DENIED, "55000")
