"""HTTP endpoints: what indexing makes of them, and what becomes of requests (protocol 10.1)."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.sql.rows import snapshot
from tests.support.builders import SDK, Builders, Endpoint, job, manifest
from tests.support.database import Database
from tests.support.refusals import refused

PUBLIC_URL = "https://perdure.example"
UNKNOWN = "01900000-0000-7000-8000-000000000000"


def http_endpoint(key: str = "shop", **members: Any) -> dict[str, Any]:
    """An HTTP endpoint as INDEX_ENDPOINT describes it."""
    event = {"name": f"httpendpoint.{key}", "title": "Shop", "source": "shop.example", "icon": "webhook"}
    return {"id": key, "version": "1", "enabled": True, "event": event, "source": "shop.example", **members}


def listener(id: str = "order", *, key: str = "shop", request_filter: Any = None) -> dict[str, Any]:
    """A job that an HTTP endpoint starts."""
    rule = {"source": "shop.example", "payload": request_filter or {}}
    return job(id, event=f"httpendpoint.{key}", rule=rule)


def request(raw_body: str = "{}", **members: Any) -> dict[str, Any]:
    """A request as the server hands it over."""
    url = f"{PUBLIC_URL}/x?hub.mode=subscribe"
    return {"url": url, "method": "POST", "headers": {"x-a": "1"}, "rawBody": raw_body, **members}


@pytest.fixture
def app(db: Database, builders: Builders) -> Endpoint:
    """An app with the HTTP endpoint ``shop`` and a job for it."""
    db.call("set_setting", "public_url", PUBLIC_URL)
    return builders.endpoint(listener(), httpEndpoints=[http_endpoint()])


def index(db: Database, app: Endpoint, *http_endpoints: dict[str, Any]) -> None:
    db.call("index_endpoint", app.id, manifest(listener(), httpEndpoints=list(http_endpoints)), SDK)


def row(db: Database, key: str = "shop") -> Any:
    (found,) = db.rows("select * from perdure.http_endpoints where key = %s", key)
    return found


def place(db: Database, key: str = "shop") -> list[str]:
    """What the URL of an HTTP endpoint names: its id, environment and shortcode."""
    (found,) = db.rows(
        """
        select h.id, e.slug, e.shortcode from perdure.http_endpoints as h
        join perdure.environments as e on e.id = h.environment_id where h.key = %s
        """,
        key,
    )
    return list(found)


def receive(db: Database, given: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    outcome: dict[str, Any] = db.call("receive_http_endpoint_request", *place(db), given, **arguments)
    return outcome


def test_each_has_a_url(app: Endpoint, db: Database) -> None:
    id_, slug, shortcode = place(db)
    url = f"{PUBLIC_URL}/api/v1/http-endpoints/{id_}/env/{slug}/{shortcode}"
    assert db.call("list_http_endpoints", app.environment.id) == [{"id": "shop", "url": url}]


def test_without_a_public_url_there_are_no_urls(db: Database, builders: Builders) -> None:
    app = builders.endpoint(httpEndpoints=[http_endpoint()])
    with refused("JQ002", "public URL"):
        db.call("list_http_endpoints", app.environment.id)
    assert receive(db, request()) == {"outcome": "ACCEPTED"}  # it may be known elsewhere


def test_a_request_becomes_an_event_that_starts_jobs(app: Endpoint, db: Database, builders: Builders) -> None:
    given = request("körper \x00 🌍", headers={"x-a": "1", "content-type": "text/plain"})
    assert receive(db, given) == {"outcome": "ACCEPTED"}
    (claim,) = builders.claims()
    assert claim.body["job"]["id"] == "order"
    assert claim.body["event"]["name"] == "httpendpoint.shop"
    assert claim.body["event"]["payload"] == given
    (event,) = db.rows("select * from perdure.events where name = 'httpendpoint.shop'")
    assert (event.source, event.payload_type) == ("shop.example", "REQUEST")
    assert event.event_id.startswith(row(db).id + ".")


@pytest.mark.parametrize(
    ("request_filter", "starts"),
    [
        ({"method": ["POST"]}, True),
        ({"method": ["GET"]}, False),
        ({"query": {"hub.mode": ["subscribe"]}}, True),
        ({"query": {"hub.mode": ["other"]}}, False),
        ({"headers": {"X-A": ["1"]}}, True),
        ({"body": {"order": ["paid"]}}, True),
        ({"body": {"order": ["lost"]}}, False),
    ],
)
def test_jobs_choose_requests(
    db: Database, builders: Builders, request_filter: dict[str, Any], starts: bool
) -> None:
    builders.endpoint(listener(request_filter=request_filter), httpEndpoints=[http_endpoint()])
    receive(db, request('{"order": "paid"}'))
    assert len(builders.claims()) == starts


def test_a_request_that_names_itself_counts_once(app: Endpoint, db: Database, builders: Builders) -> None:
    for headers in (
        {"x-request-id": "r-1"},
        {"x-request-id": "r-1"},
        {"x-request-id": "r-2", "idempotency-key": "i-1"},
        {"x-request-id": "r-3", "idempotency-key": "i-1"},
        {"x-request-id": ""},
        {"x-request-id": ""},
    ):
        receive(db, request(headers=headers))
    ids = {event.event_id for event in db.rows("select event_id from perdure.events")}
    assert {f"{row(db).id}.{name}" for name in ("r-1", "i-1")} < ids
    assert (len(ids), len(builders.claims())) == (4, 4)


def test_what_is_off_unknown_or_elsewhere_is_not_found(app: Endpoint, db: Database) -> None:
    id_, slug, shortcode = place(db)
    wrong = [(UNKNOWN, slug, shortcode), (None, slug, shortcode), (id_, "prod", shortcode), (id_, slug, "x")]
    for named in wrong:
        with refused("JQ001", "HTTP endpoint"):
            db.call("receive_http_endpoint_request", *named, request())
    index(db, app, http_endpoint(enabled=False))
    with refused("JQ001", "HTTP endpoint"):
        receive(db, request())
    assert db.value("select count(*) from perdure.events") == 0


def test_one_that_is_no_longer_named_is_off_and_comes_back_at_its_url(app: Endpoint, db: Database) -> None:
    urls = db.call("list_http_endpoints", app.environment.id)
    index(db, app, http_endpoint("other"))
    assert [each["id"] for each in db.call("list_http_endpoints", app.environment.id)] == ["other"]
    with refused("JQ001", "HTTP endpoint"):
        receive(db, request())
    index(db, app, http_endpoint())
    assert db.call("list_http_endpoints", app.environment.id) == urls


def test_an_environment_lists_its_own(
    app: Endpoint, db: Database, make_environment: Callable[..., Any]
) -> None:
    assert db.call("list_http_endpoints", make_environment("prod", project=app.environment.project).id) == []


def test_indexing_takes_over_what_changed(app: Endpoint, db: Database) -> None:
    before = row(db)
    assert (before.title, before.source, before.immediate_response_filter) == ("Shop", "shop.example", None)
    changed = {"title": "New", "source": "new.example", "immediateResponseFilter": {"method": ["GET"]}}
    index(db, app, http_endpoint(**changed, skipTriggeringRuns=True))
    after = row(db)
    assert (after.id, after.title, after.source) == (before.id, "New", "new.example")
    assert (after.immediate_response_filter, after.skip_triggering_runs) == ({"method": ["GET"]}, True)


@pytest.mark.parametrize("skip", [False, True])
def test_what_the_app_wants_to_answer_is_handed_back_first(
    app: Endpoint, db: Database, builders: Builders, skip: bool
) -> None:
    wants = {"immediateResponseFilter": {"query": {"hub.mode": ["subscribe"]}}, "skipTriggeringRuns": skip}
    index(db, app, http_endpoint(**wants))
    before = snapshot(db)
    assert receive(db, request("\x00")) == {
        "outcome": "ASK",
        "environmentId": app.environment.id,
        "endpoint": "app",
        "key": "shop",
        "skipTriggeringRuns": skip,
    }
    assert snapshot(db) == before
    assert receive(db, request(url=PUBLIC_URL)) == {"outcome": "ACCEPTED"}
    assert receive(db, request(), answered=True) == {"outcome": "ACCEPTED"}
    assert len(builders.claims()) == 2


def test_a_filter_that_is_empty_wants_all(app: Endpoint, db: Database) -> None:
    index(db, app, http_endpoint(immediateResponseFilter={}))
    assert receive(db, request())["outcome"] == "ASK"


def test_an_id_that_is_too_long_is_refused(app: Endpoint, db: Database) -> None:
    with refused("JQ010", "id"):
        receive(db, request(headers={"x-request-id": "x" * 1000}))


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"id": ""}, "id"),
        ({"id": 5}, "id"),
        ({"source": ""}, "source"),
        ({"source": None}, "source"),
        ({"enabled": "yes"}, "enabled"),
        ({"skipTriggeringRuns": 1}, "skipTriggeringRuns"),
        ({"immediateResponseFilter": []}, "immediateResponseFilter"),
        ({"event": "x"}, "event"),
    ],
)
def test_a_malformed_one_is_refused(app: Endpoint, db: Database, members: dict[str, Any], words: str) -> None:
    before = snapshot(db)
    with refused("JQ010", f"httpEndpoints[1].{words}"):
        index(db, app, http_endpoint(), http_endpoint("b", **members))
    assert snapshot(db) == before


def test_ids_must_differ(app: Endpoint, db: Database) -> None:
    with refused("JQ010", "httpEndpoints[1].id", "shop"):
        index(db, app, http_endpoint(), http_endpoint())
