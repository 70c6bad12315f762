"""An environment in which all that others can write is markup, and what no page may ever show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.server.dashboard.conftest import Office
from tests.sql.deliveries.delivering import answer, apply, claim
from tests.sql.rows import task_row
from tests.sql.sources.source_app import source
from tests.support.builders import Builders, Claim, Environment, job, task
from tests.support.fix_clock import Clock

MARKUP = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}"
EMAIL = "\"'><img/src=x/onerror=alert(1)>{{7*7}}@x.org"
LINK = "javascript:alert(3)"
LONE = "\ud800"
"""Half of a surrogate pair: JSON may hold it, no encoding of text does."""
REDACTED = "never-shown"
"""What a task keeps to itself."""


def hostile(place: str) -> str:
    """Markup that says where it is."""
    return f"in-{place}.{MARKUP}"


@dataclass(frozen=True, slots=True)
class Planted:
    """What there is.

    ``values`` are for the parameters of paths: by the segment before, and the name. ``secrets`` are what no
    page may show, by what they are.
    """

    values: dict[str, str]
    secrets: dict[str, str]


def plant(office: Office) -> Planted:
    """Fill the environment project-1/dev, and acme."""
    builders = Builders(office.db)
    db, environment = office.db, builders.environment()
    _plant_people(office)
    _plant_jobs(builders, environment)
    _send_events(builders, environment)
    failed, dead = _execute(builders)
    _describe(builders, environment, failed)
    _plant_deliveries(builders, environment)
    db.call("pause_job", environment.id, "other", hostile("paused-by"), hostile("pause-reason"))
    db.call("pause_queue", environment.id, hostile("queue"), hostile("paused-by"), hostile("queue-reason"))
    owner = office.people.owner
    values = {
        "filters/filter_id": db.call(
            "save_filter", environment.id, owner, hostile("filter"), f"tag={MARKUP}"
        ),
        "bulk-actions/action_id": db.call(
            "begin_bulk_action", environment.id, "CANCEL", {"tags": [hostile("tag")]}, p_user_id=owner
        ),
        **{name: str(db.value(query)) for name, query in _VALUES.items()},
        "runs/run_id": failed.run_id,
        "dead-letters/run_id": dead.run_id,
        "tasks/task_id": task_row(db, failed.run_id, hostile("output-key")).id,
        "jobs/slug": "greet",
        "queues/queue": hostile("queue"),
        "endpoints/slug": "app",
    }
    secrets = {
        "a secret key": environment.key,
        "a redacted value": REDACTED,
        **{name: str(db.value(query)) for name, query in _SECRETS.items()},
    }
    return Planted(values, secrets)


_VALUES = {
    "members/user_id": "select id from perdure.users where not is_first_owner",
    "invitations/invitation_id": "select id from perdure.invitations where closed_at is null",
    "sessions/session_id": "select id from perdure.sessions where address like 'in-address%'",
    "keys/key_id": "select id from perdure.api_keys where kind = 'SECRET'",
    "events/event_id": "select id from perdure.events where event_id like '0in-event-id%'",
    "schedules/schedule_id": "select id from perdure.schedules where key like 'in-schedule-key%'",
    "sources/source_id": "select id from perdure.sources",
    "webhooks/webhook_id": "select id from perdure.webhooks",
    "http-endpoints/http_endpoint_id": "select id from perdure.http_endpoints",
    "deliveries/delivery_id": "select min(id::text) from perdure.deliveries where kind = 'SOURCE_REQUEST'",
    "errors/fingerprint": "select fingerprint from perdure.run_failures where error_name like 'in-run-name%'",
}
_SECRETS = {
    "the hash of a key": "select encode(key_hash, 'hex') from perdure.api_keys where kind = 'SECRET'",
    "a signing secret": "select encode(signing_secret, 'hex') from perdure.api_keys where kind = 'SECRET'",
    "the secret of a source": "select secret from perdure.sources",
    "the secret of a webhook": "select secret from perdure.webhooks",
    "a password": "select password_hash from perdure.users where is_first_owner",
    "the hash of a session": "select encode(token_hash, 'hex') from perdure.sessions limit 1",
    "a callback": "select substring(callback_url from '[0-9a-f]{24}$') from perdure.tasks"
    " where callback_url is not null",
}


def _plant_people(office: Office) -> None:
    db, people = office.db, office.people
    bob = people.join("member", EMAIL)
    db.execute("update perdure.users set name = %s", hostile("member-name"))
    db.execute("update perdure.organizations set title = %s", hostile("organization-title"))
    db.call("invite_member", people.owner, people.organization, f"in-invitation.{EMAIL}")
    change = {hostile("audit-name"): hostile("audit-value")}
    db.call("audit", bob, people.organization, "run.edit", hostile("audit-object"), change, [change])
    db.call("open_session", people.owner, None, hostile("address"), hostile("browser"))


def _properties(place: str) -> list[dict[str, str]]:
    return [{"label": hostile(f"{place}-label"), "text": hostile(f"{place}-text"), "url": LINK}]


def _plant_jobs(builders: Builders, environment: Environment) -> None:
    field = {"type": "string", "title": hostile("schema-title"), "description": hostile("schema-text")}
    schema = {"type": "object", "properties": {hostile("schema-name"): field}}
    event = {
        "name": "greet",
        "title": hostile("event-title"),
        "source": "trigger.dev",
        "icon": LINK,
        "properties": _properties("event"),
        "schema": schema,
        "examples": [
            {
                "id": hostile("example-id"),
                "name": hostile("example-name"),
                "payload": {"x": hostile("example-payload")},
            }
        ],
    }
    trigger = {
        "type": "static",
        "title": hostile("trigger-title"),
        "properties": _properties("trigger"),
        "link": LINK,
        "rule": {"event": "greet", "source": "trigger.dev"},
    }
    slack = {
        "id": "slack",
        "metadata": {"id": LINK, "name": hostile("integration-name")},
        "authSource": "LOCAL",
    }
    http_endpoint = {
        "id": hostile("http-endpoint"),
        "title": hostile("http-title"),
        "source": hostile("http-source"),
        "icon": LINK,
        "properties": _properties("http"),
    }
    webhook = {
        "key": hostile("webhook-key"),
        "params": {"x": hostile("webhook-params")},
        "config": {hostile("webhook-option"): [hostile("webhook-config")]},
        "httpEndpoint": {"id": hostile("http-endpoint")},
    }
    found = builders.endpoint(
        job(name=hostile("job-name"), trigger=trigger, integrations={"chat": slack}) | {"event": event},
        job(
            "other",
            event=hostile("event-name"),
            name=hostile("other-job-name"),
            concurrencyLimit={"id": hostile("queue"), "limit": 3},
        ),
        job("never", rule={"payload": {hostile("filter-name"): [hostile("filter-value")]}}),
        environment=environment,
        url="https://app.test/in-endpoint-url.'><img/src=x/onerror=alert(1)>",
        sources=[
            source(hostile("source-key"), hostile("source-option"), params={"x": hostile("source-params")})
        ],
        httpEndpoints=[http_endpoint],
        webhooks=[webhook],
        dynamicTriggers=[{"id": hostile("dynamic-trigger"), "jobs": []}],
        dynamicSchedules=[{"id": hostile("dynamic-schedule"), "jobs": []}],
    )
    builders.db.call("record_index_failure", found.id, hostile("index-error"))


def _send_events(builders: Builders, environment: Environment) -> None:
    for number in range(5):
        event = {
            "id": f"{number}{hostile('event-id')}",
            "name": "greet",
            "payload": {"x": hostile("payload"), hostile("payload-name"): number, "odd": LONE},
            "context": {"x": hostile("context")},
        }
        options = {
            "accountId": hostile("account"),
            "tags": [hostile("tag")],
            "metadata": {hostile("metadata-name"): hostile("metadata")},
        }
        builders.db.call("send_events", environment.id, [event], options)
    builders.db.call("send_events", environment.id, [{"name": hostile("event-name"), "payload": {}}])
    schedule = {
        "id": hostile("schedule-key"),
        "type": "cron",
        "options": {"cron": "0 9 * * *"},
        "accountId": hostile("schedule-account"),
        "metadata": {"x": hostile("schedule-metadata")},
    }
    builders.db.call("register_schedule", environment.id, hostile("dynamic-schedule"), schedule)


def _task(place: str, **members: Any) -> dict[str, Any]:
    found = {
        **task(hostile(f"{place}-key"), name=hostile(f"{place}-name")),
        "idempotencyKey": place.encode().hex().ljust(64, "0")[:64],
        "description": hostile(f"{place}-description"),
        "icon": LINK,
        "params": {"x": hostile(f"{place}-params")},
        "properties": _properties(place),
        "outputProperties": _properties(f"{place}-output"),
        "style": {"style": LINK, "variant": LINK},
        "connectionKey": hostile(f"{place}-connection"),
    }
    return {**found, **members}


def _error(place: str) -> dict[str, str]:
    return {
        "name": hostile(f"{place}-name"),
        "message": hostile(f"{place}-message") + LONE,
        "stack": f"{hostile(f'{place}-stack')}\n at {LINK}",
    }


def _execute(builders: Builders) -> tuple[Claim, Claim]:
    """A run that fails after a retry, and one that becomes a dead letter; another is done, and one waits."""
    failing, dead, done, waiting = builders.claims(4)
    done.stored(_task("callback", callback={"enabled": True, "timeoutInSeconds": 600}))
    done.reply("SUCCESS", output={"x": hostile("run-output"), "odd": LONE})
    dead.apply("UNREACHABLE", message=hostile("dead-letter"))
    waiting.reply("RESUME_WITH_TASK", task=_task("waiting", noop=True, delaySeconds=86_400))
    failing.stored(
        _task("output", status="COMPLETED", output={"x": hostile("output"), hostile("output-member"): 1}),
        _task("text", status="COMPLETED", output=hostile("output-text") + LONE),
        _task(
            "secret",
            status="COMPLETED",
            output={"token": REDACTED, "rest": hostile("beside-secret")},
            params={"token": REDACTED},
            redact={"paths": ["token"]},
        ),
        _task(
            "log",
            name="log",
            icon="log",
            noop=True,
            properties=[{"label": "Level", "text": hostile("level")}],
        ),
    )
    failing.reply("RETRY_WITH_TASK", task=_task("retried"), error=_error("attempt"))
    Clock(builders.db).advance(timedelta(minutes=1))
    builders.db.call("promote_due")
    (again,) = [claim for claim in builders.claims(5) if claim.run_id == failing.run_id]
    again.reply("ERROR", error=_error("run"), task=_task("retried", status="ERRORED", error=_error("task")))
    return failing, dead


def _describe(builders: Builders, environment: Environment, run: Claim) -> None:
    status = {"label": hostile("status-label"), "data": {"x": hostile("status-data")}}
    builders.db.call("set_run_status", environment.id, run.run_id, hostile("status-key"), status)


def _plant_deliveries(builders: Builders, environment: Environment) -> None:
    """Requests of providers: one is answered, one is not."""
    db = builders.db
    key = hostile("source-key")
    db.call("update_source", environment.id, key, {"options": {"event": [hostile("source-option")]}})
    source_id = db.value("select id from perdure.sources where key = %s", key)
    headers = {"x-header": hostile("request-header"), "content-type": "text/html"}
    for number in range(2):
        body = f"{hostile('request-body')}{number}".encode()
        db.call(
            "receive_source_request",
            source_id,
            f"https://x.test/{hostile('request-url')}",
            "POST",
            headers,
            body,
        )
    taken, _left = claim(db, kind="SOURCE_REQUEST")
    event = {
        "id": hostile("delivered-id"),
        "name": hostile("delivered-name"),
        "payload": {"x": hostile("delivered")},
    }
    apply(
        db, answer(taken, {"events": [event], "response": {"status": 200, "body": hostile("response-body")}})
    )
