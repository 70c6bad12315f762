"""Events and a claim in one transaction: what they start is in good hands, and nobody is woken for it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.sql.rows import INSTANT, body_of, leased, payloads, queued, run_row
from tests.support.builders import Builders, Environment, job, manifest
from tests.support.database import Database

MARGIN = timedelta(seconds=10)
GREETING = {"name": "greet", "payload": {"n": 1}}


class Here:
    """A server with free slots, and a listener that says what others are told meanwhile."""

    def __init__(self, db: Database, listener: Database, environment: Environment) -> None:
        self._db = db
        self._listener = listener
        self.environment = environment
        listener.execute("listen perdure_ready")

    def send(
        self, *events: Any, limit: int = 10, options: Any = None, only: list[str] | None = None
    ) -> tuple[list[Any], list[Any]]:
        """The events as they were stored, and the claims."""
        environment_id = self.environment.id
        rows = self._db.call(
            "send_and_claim", environment_id, list(events), options or {}, "here", limit, MARGIN, only
        )
        return [json.loads(row.event) for row in rows if row.event], [row for row in rows if row.run_id]

    def told(self) -> set[str]:
        """What dispatchers were told since the last look."""
        return set(payloads(self._db, self._listener))


@pytest.fixture
def here(db: Database, other: Database, builders: Builders) -> Here:
    return Here(db, other, builders.environment())


def connect(db: Database, here: Here, slug: str, event: str, **members: Any) -> str:
    """An app with one job for an event that fetches its executions; its endpoint's id."""
    endpoint = db.call("connect_endpoint", here.environment.id, slug)
    db.call("index_endpoint", endpoint["id"], manifest(job(slug, event=event, **members)), {"name": "test"})
    id: str = endpoint["id"]
    return id


def test_what_the_events_start_is_claimed_and_nobody_is_told(
    db: Database, here: Here, builders: Builders
) -> None:
    builders.endpoint(environment=here.environment)
    here.told()
    events, claims = here.send(GREETING, {**GREETING, "payload": {"n": 2}})
    assert [event["payload"] for event in events] == [{"n": 1}, {"n": 2}]
    assert [body_of(claim)["event"] for claim in claims] == events
    for claim in claims:
        run = run_row(db, claim.run_id)
        assert (run.status, run.lease_number, run.dispatcher) == ("EXECUTING", claim.lease_number, "here")
        assert run.started_at is not None
    assert (sorted(leased(db)), queued(db)) == ([claim.run_id for claim in claims], [])
    assert here.told() == set()
    assert db.call("doctor") == []


@pytest.mark.parametrize(
    ("members", "options"),
    [
        ({}, {}),
        ({"timeoutInSeconds": 5}, {}),
        ({}, {"accountId": "somebody"}),
        ({}, {"tags": ["a"], "metadata": {"b": 1}}),
    ],
)
@pytest.mark.parametrize("connected", [False, True])
def test_what_is_claimed_at_once_is_told_as_from_the_queue(
    db: Database, here: Here, builders: Builders, connected: bool, members: Any, options: Any
) -> None:
    if connected:
        mine = [connect(db, here, "mine", "greet", **members)]
    else:
        builders.endpoint(job(**members), environment=here.environment)
        mine = None
    db.call("send_events", here.environment.id, [GREETING], options)
    (waited,) = db.call("claim_runs", "here", 10, MARGIN, mine)
    _, (at_once,) = here.send(GREETING, options=options, only=mine)
    assert all_of(db, at_once) == all_of(db, waited)
    assert len(at_once.signing_secrets) == (0 if connected else 1)


@pytest.mark.parametrize("members", [
    {},
    {"id": "the first", "context": {"a": [1, None]}},
    {"source": "acme.com", "payload": "a text \u0000 \ud800 é"},
    {"id": "the first", "sourceContext": {"id": "dyn", "metadata": {"\u0000": 1}}, "dynamicSourceKey": "key"},
    {"timestamp": "2024-01-31T12:00:00+01:00"},
    {"isTest": True},
    {"payloadType": "REQUEST"},
    {"payload": {"long": "x" * 5000}},
])  # fmt: skip
@pytest.mark.parametrize("connected", [False, True])
def test_an_event_alone_is_stored_and_begun_as_one_in_company(
    db: Database, here: Here, builders: Builders, connected: bool, members: Any
) -> None:
    rule = {"source": members.get("source", "trigger.dev")}
    if connected:
        mine = [connect(db, here, "mine", "greet", rule=rule)]
    else:
        builders.endpoint(job(rule=rule), environment=here.environment)
        mine = None
    (event,), (alone,) = here.send({**GREETING, **members}, only=mine)
    if "id" in members:
        members = {**members, "id": "the second"}
    (other, _), (in_company,) = here.send({**GREETING, **members}, {"name": "nobody's"}, only=mine)
    assert body_of(alone)["event"] == event
    assert event["payload"] == other["payload"] == {**GREETING, **members}["payload"]
    assert all_of(db, alone) == all_of(db, in_company)
    assert (here.told(), db.call("doctor")) == (set(), [])


@pytest.mark.parametrize("event", [{"name": "nobody's"}, {**GREETING, "id": "sent before"}])
def test_an_event_alone_that_starts_nothing_is_stored_once(
    db: Database, here: Here, builders: Builders, event: Any
) -> None:
    builders.endpoint(environment=here.environment)
    here.send({**GREETING, "id": "sent before"})
    (first,), claims = here.send(event)
    assert claims == []
    assert db.call("get_event", here.environment.id, first["id"])["name"] == event["name"]


@pytest.mark.parametrize("event", [5, "a", None, [], {}, {"name": ""}, {"name": "greet", "id": ""}])
def test_an_event_alone_that_cannot_be_stored_is_refused(here: Here, builders: Builders, event: Any) -> None:
    builders.endpoint(environment=here.environment)
    with pytest.raises(psycopg.Error, match=r"p_events\[0\]"):
        here.send(event)


def test_a_filter_decides_about_an_event_alone(here: Here, builders: Builders) -> None:
    builders.endpoint(job(rule={"payload": {"n": [1]}}), environment=here.environment)
    assert [len(here.send({**GREETING, "payload": {"n": n}})[1]) for n in (1, 2)] == [1, 0]


def all_of(db: Database, claim: Any) -> Any:
    """A claim, its event, run and lease, without ids of their own and with instants made equal."""
    (stored,) = db.rows(
        """
        select
            row_to_json(e) as event, to_jsonb(r) as run, to_jsonb(l) as lease,
            round(extract(epoch from l.expires_at - l.claimed_at))::integer as lasts_s,
            array(select t.tag from perdure.run_tags as t where t.run_id = r.id) as tags
        from perdure.runs as r
        inner join perdure.leases as l on l.run_id = r.id
        inner join perdure.events as e on e.id = r.event_id
        where r.id = %s
        """,
        claim.run_id,
    )
    told = {name: value for name, value in claim._asdict().items() if name != "event"}
    text = json.dumps([told, stored._asdict()], default=str)
    ids = {claim.run_id: "run", stored.event["id"]: "row", body_of(claim)["event"]["id"]: "event"}
    for id, kind in ids.items():
        text = text.replace(id, kind)
    return json.loads(re.sub(INSTANT, "then", text))


def test_those_that_find_no_slot_are_left_to_others_who_are_told(
    db: Database, here: Here, builders: Builders
) -> None:
    builders.endpoint(environment=here.environment)
    here.told()
    events, claims = here.send(GREETING, GREETING, GREETING, limit=2)
    assert (len(events), len(claims), len(queued(db))) == (3, 2, 1)
    assert here.told() == {"runs"}


def test_who_waited_longer_goes_first(here: Here, builders: Builders) -> None:
    first = builders.run(builders.endpoint(environment=here.environment))
    _, claims = here.send(GREETING, limit=1)
    assert [claim.run_id for claim in claims] == [first.id]


def test_slots_go_to_the_first_of_the_events(db: Database, here: Here, builders: Builders) -> None:
    builders.endpoint(environment=here.environment)
    events, claims = here.send(*({**GREETING, "payload": {"n": n}} for n in range(5)), limit=2)
    assert [body_of(claim)["event"] for claim in claims] == events[:2]
    claims = db.call("claim_runs", "elsewhere", 10)
    assert [body_of(claim)["event"]["id"] for claim in claims] == [event["id"] for event in events[2:]]


def test_what_is_claimed_at_once_has_no_message_in_the_queue(
    db: Database, here: Here, builders: Builders
) -> None:
    builders.endpoint(environment=here.environment)
    mine = connect(db, here, "mine", "part")
    with db.connection.transaction():
        here.send({"name": "part"}, only=[mine])
        here.send(GREETING, {"name": "part"}, GREETING)  # the second is for a connected app
        written = db.rows(
            "select relname, n_tup_ins from pg_stat_xact_user_tables where relname like %s", "q_perdure%"
        )
    assert dict(written) == {"q_perdure_ready_runs": 0, "q_perdure_connected_runs": 1}


def test_what_is_claimed_at_once_is_claimed_once(db: Database, here: Here, builders: Builders) -> None:
    builders.endpoint(environment=here.environment)
    with db.connection.transaction():
        _, (first,) = here.send(GREETING)
        assert db.call("claim_runs", "elsewhere", 10) == []
        _, (second,) = here.send(GREETING)
    assert sorted(leased(db)) == sorted([first.run_id, second.run_id])
    assert db.call("doctor") == []


def test_a_run_that_a_limit_stops_is_kept_back(db: Database, here: Here, builders: Builders) -> None:
    builders.endpoint(environment=here.environment)
    db.call("set_concurrency_limit", here.environment.id, 1)
    _, (claim,) = here.send(GREETING, GREETING)
    assert (leased(db), queued(db), db.call("doctor")) == ([claim.run_id], [], [])
    result = {"runId": claim.run_id, "leaseNumber": 1, "verdict": "REPLY", "reply": {"status": "SUCCESS"}}
    db.call("apply_results", [result])
    (other,) = db.call("claim_runs", "elsewhere", 10)
    assert other.run_id != claim.run_id


def test_a_run_that_a_pause_stops_is_kept_back(db: Database, here: Here, builders: Builders) -> None:
    builders.endpoint(environment=here.environment)
    db.call("pause_environment", here.environment.id)
    assert here.send(GREETING)[1] == []
    assert (leased(db), queued(db), db.call("doctor")) == ([], [], [])
    db.call("resume_environment", here.environment.id)
    assert len(db.call("claim_runs", "elsewhere", 10)) == 1


def test_what_a_limit_lets_through_is_claimed_with_the_rest(
    db: Database, here: Here, builders: Builders
) -> None:
    builders.endpoint(job("free"), job("limited", concurrencyLimit=1), environment=here.environment)
    here.told()
    _, claims = here.send(GREETING)
    assert {body_of(claim)["job"]["id"] for claim in claims} == {"free", "limited"}
    assert here.told() == set()
    _, claims = here.send(GREETING)
    assert [body_of(claim)["job"]["id"] for claim in claims] == ["free"]


def test_an_event_for_later_is_told_to_those_who_deliver_it(
    db: Database, here: Here, builders: Builders
) -> None:
    builders.endpoint(environment=here.environment)
    here.told()
    (event,), claims = here.send(GREETING, options={"deliverAfter": 60})
    assert (event["deliveredAt"], claims) == (None, [])
    assert here.told() == {"due"}


def test_a_connected_app_gets_its_runs_and_those_of_others_are_told(
    db: Database, here: Here, builders: Builders
) -> None:
    mine, others = connect(db, here, "mine", "greet"), connect(db, here, "others", "part")
    builders.endpoint(job("called", event="leave"), environment=here.environment)
    here.told()
    _, (claim,) = here.send(GREETING, only=[mine])
    assert (claim.endpoint_id, here.told()) == (mine, set())
    _, claims = here.send({"name": "part"}, only=[mine])
    assert (claims, here.told()) == ([], {"connected"})
    _, claims = here.send({"name": "leave"}, only=[mine])
    assert (claims, here.told()) == ([], {"runs"})
    _, claims = here.send({"name": "leave"})
    assert (len(claims), here.told()) == (2, set())
    assert {claim.endpoint_id for claim in claims}.isdisjoint({mine, others})


def test_events_that_are_refused_claim_nothing(db: Database, here: Here, builders: Builders) -> None:
    builders.run(builders.endpoint(environment=here.environment))
    with pytest.raises(psycopg.Error, match="name"):
        here.send(GREETING, {"payload": {}})
    assert (leased(db), len(queued(db))) == ([], 1)


def test_a_claim_without_slots_is_refused_with_its_events(
    db: Database, here: Here, builders: Builders
) -> None:
    builders.endpoint(environment=here.environment)
    with pytest.raises(psycopg.Error, match="p_limit"):
        here.send(GREETING, limit=0)
    assert db.value("select count(*) from perdure.events") == 0
