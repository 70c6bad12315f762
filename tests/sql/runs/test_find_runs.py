"""Finding runs by what people know of them, a page at a time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.builders import Builders, Endpoint, Run, job
from tests.support.database import Database
from tests.support.refusals import refused


@pytest.fixture
def endpoint(builders: Builders) -> Endpoint:
    """An endpoint with two jobs, each with an event of its own, and an internal one."""
    return builders.endpoint(
        job("a", event="a"), job("b", event="b"), job("register", event="a", internal=True)
    )


def find(db: Database, endpoint: Endpoint, **query: Any) -> dict[str, Any]:
    """A page of runs; ``cursor`` and ``take`` are options, everything else is of the filter."""
    options = {name: query.pop(name) for name in ("cursor", "take") if name in query}
    page: dict[str, Any] = db.call("find_runs", endpoint.environment.id, query, **options)
    return page


def ids(page: dict[str, Any]) -> list[str]:
    return [run["id"] for run in page["runs"]]


def start(db: Database, endpoint: Endpoint, event: str = "b", payload: Any = None, **options: Any) -> Run:
    """A run of the job ``b``, or the visible one of ``a``."""
    message = {"name": event, "payload": payload, "id": options.pop("id", None)}
    message = {name: value for name, value in message.items() if value is not None}
    (sent,) = db.call("send_events", endpoint.environment.id, [message], options)
    run_id = db.value(
        "select r.id from perdure_views.runs as r"
        " where r.event = %s and r.environment_id = %s and not r.internal",
        sent["id"],
        endpoint.environment.id,
    )
    return Run(db, run_id, sent["id"], endpoint.environment)


def end(builders: Builders, run: Run, status: str, **reply: Any) -> None:
    """Execute everything that is ready; ``run`` ends as ``status`` says."""
    for claim in builders.claims(100):
        if claim.run_id == run.id:
            claim.reply(status, **reply)


def test_what_is_said_of_a_run(db: Database, builders: Builders, endpoint: Endpoint) -> None:
    run = start(db, endpoint, tags=["vip"])
    end(builders, run, "ERROR", error={"message": "no stock", "name": "StockError"})
    (found,) = find(db, endpoint)["runs"]
    times = {name: found.pop(name) for name in ("createdAt", "startedAt", "completedAt")}
    assert all(text.endswith("Z") for text in times.values())
    assert found == {
        "id": run.id,
        "status": "FAILURE",
        "job": {"id": "b", "name": "B", "version": "1.0.0"},
        "event": {"id": run.event_id, "name": "b"},
        "isTest": False,
        "durationMs": 5,
        "tags": ["vip"],
        "error": "no stock",
    }


def test_filters(db: Database, builders: Builders, endpoint: Endpoint) -> None:
    failed = start(db, endpoint, tags=["vip", "eu"])
    end(builders, failed, "ERROR", error={"message": "no stock"})
    running = start(db, endpoint, tags=["vip"])
    builders.claims()
    queued = start(db, endpoint, "a")
    fingerprint = db.value("select fingerprint from perdure.run_failures")
    expected: list[tuple[dict[str, Any], list[Run]]] = [
        ({}, [queued, running, failed]),
        ({"status": ["FAILURE"]}, [failed]),
        ({"status": ["FAILURE", "TIMED_OUT"]}, [failed]),
        ({"status": ["EXECUTING"]}, [running]),
        ({"status": ["QUEUED", "FAILURE"]}, [queued, failed]),
        ({"job": "a"}, [queued]),
        ({"job": "b", "version": "1.0.0"}, [running, failed]),
        ({"version": "2.0.0"}, []),
        ({"job": "nothing"}, []),
        ({"job": "register"}, []),
        ({"tags": ["vip"]}, [running, failed]),
        ({"tags": ["vip", "eu"], "status": ["EXECUTING", "FAILURE"]}, [failed]),
        ({"isTest": True}, []),
        ({"isTest": False, "job": "a"}, [queued]),
        ({"fingerprint": fingerprint}, [failed]),
        ({"fingerprint": fingerprint, "job": "a"}, []),
        ({"text": running.id}, [running]),
        ({"text": queued.event_id}, [queued]),
        ({"text": queued.event_id, "status": ["FAILURE"]}, []),
    ]
    for query, runs in expected:
        assert ids(find(db, endpoint, **query)) == [run.id for run in runs], query


def test_text_is_found_in_payloads_as_people_type_it(db: Database, endpoint: Endpoint) -> None:
    plain = start(db, endpoint, payload={"email": "Ann@Example.com", "share": "100%"})
    umlaut = start(db, endpoint, payload={"city": "Köln 🚲"})
    escaped = start(db, endpoint)
    db.execute(
        r"""update perdure.events set payload = '{"city": "K\u00f6ln \ud83d\udeb2"}' where event_id = %s""",
        escaped.event_id,
    )
    assert ids(find(db, endpoint, text="ann@example")) == [plain.id]
    assert ids(find(db, endpoint, text="100%")) == [plain.id]
    assert ids(find(db, endpoint, text="1%0")) == []
    assert ids(find(db, endpoint, text="köln 🚲")) == [escaped.id, umlaut.id]


def test_pages_follow_each_other_and_end(db: Database, endpoint: Endpoint) -> None:
    runs = [start(db, endpoint).id for _ in range(5)]
    pages: list[list[str]] = []
    cursor = None
    while True:
        page = find(db, endpoint, take=2, cursor=cursor)
        pages.append(ids(page))
        cursor = page.get("nextCursor")
        if cursor is None:
            break
    runs.reverse()
    assert pages == [runs[:2], runs[2:4], runs[4:]]


def test_a_long_search_stops_and_goes_on(db: Database, builders: Builders, endpoint: Endpoint) -> None:
    wanted = start(db, endpoint, payload={"note": "needle"})
    db.call("send_events", endpoint.environment.id, [{"name": "b"}] * 1000)
    db.call("send_events", endpoint.environment.id, [{"name": "b"}] * 1000)
    db.call("send_events", endpoint.environment.id, [{"name": "b"}] * 1000)
    first = find(db, endpoint, text="needle")
    assert (first["runs"], first["lookedAt"]) == ([], 2500)
    at = datetime.fromisoformat(first["searchedTo"])
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)
    second = find(db, endpoint, text="needle", cursor=first["nextCursor"])
    assert (ids(second), second["lookedAt"]) == ([wanted.id], 501)
    assert "nextCursor" not in second
    # What is in an index needs no search.
    for claim in builders.claims(1):
        assert claim.run_id == wanted.id
        claim.reply("ERROR", error={"message": "no stock"})
    assert find(db, endpoint, status=["FAILURE"])["lookedAt"] == 1


def test_from_and_to_are_of_when_a_run_was_created(db: Database, endpoint: Endpoint) -> None:
    runs = [start(db, endpoint) for _ in range(3)]
    for hour, run in enumerate(runs):
        db.execute(
            "update perdure.runs set id = perdure._first_id(%s) where id = %s",
            datetime(2026, 3, 1, hour, tzinfo=UTC),
            run.id,
        )
    spans = {
        ("2026-03-01T01:00:00Z", None): [2, 1],
        (None, "2026-03-01T01:00:00Z"): [0],
        ("2026-03-01T01:00:00Z", "2026-03-01T02:00:00Z"): [1],
        ("2026-03-01T02:00:00+01:00", "2026-03-01T01:00:00.001Z"): [1],
    }
    for (start_at, end_at), hours in spans.items():
        query = {name: at for name, at in (("from", start_at), ("to", end_at)) if at}
        events = [run["event"]["id"] for run in find(db, endpoint, **query)["runs"]]
        assert events == [runs[hour].event_id for hour in hours]


def test_a_search_stays_in_its_environment(db: Database, builders: Builders, endpoint: Endpoint) -> None:
    run = start(db, endpoint, tags=["vip"], id="e-1")
    end(builders, run, "ERROR", error={"message": "no stock"})
    fingerprint = db.value("select fingerprint from perdure.run_failures")
    other = builders.environment("prod", project=endpoint.environment.project)
    elsewhere = builders.endpoint(job("b", event="b"), environment=other)
    for query in (
        {},
        {"text": run.id},
        {"text": "e-1"},
        {"job": "b"},
        {"status": ["FAILURE"]},
        {"tags": ["vip"]},
        {"fingerprint": fingerprint},
    ):
        assert ids(find(db, endpoint, **query)) == [run.id], query
        assert ids(find(db, elsewhere, **query)) == [], query


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"colour": "red"}, "the filter has no member colour"),
        ({"status": "FAILURE"}, "status of the filter must be a list"),
        ({"status": [1]}, "status of the filter must be a list"),
        ({"tags": ["x"] * 51}, "tags of the filter must be a list of at most 50"),
        ({"text": ""}, "text of the filter must be a text of 1 to 1000"),
        ({"from": "yesterday-ish"}, "from of the filter must be an instant"),
        ({"isTest": "yes"}, "isTest of the filter must be true or false"),
        ({"fingerprint": "5"}, "fingerprint of the filter must be a UUID"),
    ],
)
def test_what_is_wrong_with_a_filter_is_said(
    db: Database, endpoint: Endpoint, query: dict[str, Any], words: str
) -> None:
    with refused("JQ010", words):
        find(db, endpoint, **query)


def histogram(db: Database, endpoint: Endpoint, **query: Any) -> list[Any]:
    rows: list[Any] = db.call("run_histogram", endpoint.environment.id, query, 4)
    return rows


def test_a_histogram_counts_runs_by_time_and_how_they_stand(
    db: Database, builders: Builders, endpoint: Endpoint
) -> None:
    failed, done, _waiting = (start(db, endpoint) for _ in range(3))
    for claim in builders.claims():
        if claim.run_id == failed.id:
            claim.reply("ERROR", error={"message": "no stock"})
        elif claim.run_id == done.id:
            claim.reply("SUCCESS")
    gone = start(db, endpoint)
    db.call("cancel_run", endpoint.environment.id, gone.id)
    hour = datetime.now(UTC) + timedelta(minutes=1)
    spans = {"from": (hour - timedelta(hours=4)).isoformat(), "to": hour.isoformat()}
    rows = histogram(db, endpoint, **spans)
    assert [row.ends_at - row.starts_at for row in rows] == [timedelta(hours=1)] * 4
    assert (rows[0].starts_at, rows[-1].ends_at) == (hour - timedelta(hours=4), hour)
    counts = [(row.succeeded, row.failed, row.canceled, row.open, row.is_exact) for row in rows]
    assert counts == [(0, 0, 0, 0, True)] * 3 + [(1, 1, 1, 1, True)]
    failures = histogram(db, endpoint, status=["FAILURE"])
    assert [(row.succeeded, row.failed) for row in failures] == [(0, 0)] * 3 + [(0, 1)]
    with refused("JQ010", "from of the filter must be before to"):
        histogram(db, endpoint, **{"from": spans["to"], "to": spans["from"]})


def test_a_histogram_of_many_runs_is_about_right_even_with_bursts(db: Database, endpoint: Endpoint) -> None:
    """Twenty thousand runs: an even stream, and a burst in the third quarter, in one millisecond."""
    model = start(db, endpoint)
    db.execute(
        "insert into perdure.runs (id, environment_id, job_id, job_version_id, endpoint_id, event_id, status,"
        " is_test, created_at, updated_at)"
        " select perdure._id_at((extract(epoch from timestamptz '2026-03-01' + i.after) * 4096000)::bigint),"
        " r.environment_id, r.job_id, r.job_version_id, r.endpoint_id, r.event_id,"
        " 'QUEUED', false, now(), now()"
        " from perdure.runs as r cross join ("
        "   select interval '864 ms' * n from generate_series(0, 9999) as n"
        "   union all select interval '6000 s' from generate_series(1, 10000)"
        " ) as i (after) where r.id = %s",
        model.id,
    )
    rows = histogram(db, endpoint, **{"from": "2026-03-01T00:00:00Z", "to": "2026-03-01T02:24:00Z"})
    assert [row.is_exact for row in rows] == [False, False, False, False]
    for quarter in (0, 1, 3):
        assert rows[quarter].open == pytest.approx(2500, rel=0.1)
    assert 2300 < rows[2].open < 30_000
