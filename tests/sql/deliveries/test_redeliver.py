"""What came in is handed to the app again, and what came of it can be looked up."""

import pytest

from tests.sql.deliveries.delivering import answer, apply, claim, delivery, failure
from tests.sql.sources.source_app import SourceApp
from tests.support.builders import Builders
from tests.support.database import Database
from tests.support.refusals import refused

BODY = b"\x00\xff raw"


def receive(registered: SourceApp) -> str:
    received: str = registered.receive(body=BODY)["id"]
    return received


def test_a_request_goes_out_again_as_it_came(registered: SourceApp, db: Database) -> None:
    old = receive(registered)
    (claimed,) = claim(db)
    assert apply(db, failure(claimed, "no connection")) == ["FAILED"]
    new = db.call("redeliver", registered.environment_id, old)
    (again,) = claim(db)
    assert again.delivery_id == new
    assert bytes(again.body) == BODY
    assert again.headers == claimed.headers
    assert apply(db, answer(again, {"events": [{"name": "greet", "id": "e"}]})) == ["DELIVERED"]
    row = db.rows("select * from perdure_views.deliveries where id = %s", new)[0]
    assert (row.redelivered_id, row.status, row.http_status, row.duration_ms) == (old, "DELIVERED", 200, 5)
    old_row = delivery(db, old)
    assert (old_row.status, old_row.message, old_row.http_status) == ("FAILED", "no connection", None)


def test_it_goes_to_where_the_source_is_now(registered: SourceApp, db: Database) -> None:
    old = receive(registered)
    apply(db, failure(claim(db)[0]))
    moved = db.call("register_endpoint", registered.environment_id, "moved", "http://127.0.0.1:9/moved")
    db.execute("update perdure.sources set endpoint_id = %s", moved["id"])
    db.call("redeliver", registered.environment_id, old)
    (again,) = [row for row in claim(db) if row.kind == "SOURCE_REQUEST"]
    assert again.url == "http://127.0.0.1:9/moved"


def test_a_deliverys_events_are_known_and_start_nothing_again(registered: SourceApp, db: Database) -> None:
    ids = [receive(registered)]
    reply = {"events": [{"name": "greet", "id": "e-1"}, {"name": "greet", "id": "e-2"}]}
    apply(db, answer(claim(db)[0], reply))
    ids.append(db.call("redeliver", registered.environment_id, ids[0]))
    runs = db.value("select count(*) from perdure.runs")
    apply(db, answer(claim(db)[0], reply))
    assert db.value("select count(*) from perdure.runs") == runs
    rows = db.rows("select * from perdure_views.delivery_events order by delivery_id, event")
    assert [(row.delivery_id, row.event, row.name) for row in rows] == [
        (id, event, "greet") for id in ids for event in ("e-1", "e-2")
    ]


@pytest.mark.parametrize("status", [500, 404])
def test_the_last_answer_is_kept(registered: SourceApp, db: Database, status: int) -> None:
    id = receive(registered)
    apply(db, answer(claim(db)[0], {"message": "no"}, status))
    assert (delivery(db, id).status, delivery(db, id).http_status) == ("FAILED", status)


def test_what_is_not_finished_or_not_of_this_environment_stays(
    registered: SourceApp, db: Database, builders: Builders
) -> None:
    id = receive(registered)
    with refused("JQ002", "not finished"):
        db.call("redeliver", registered.environment_id, id)
    with refused("JQ001", "delivery"):
        db.call("redeliver", builders.environment().id, id)
    probe = db.call("probe_endpoint", registered.endpoint.id)
    with refused("JQ002", "PROBE"):
        db.call("redeliver", registered.environment_id, probe)


def test_what_lets_somebody_in_is_not_shown(registered: SourceApp, db: Database) -> None:
    headers = {
        "authorization": "Bearer hush",
        "cookie": "a=hush",
        "x-gitlab-token": "hush",
        "x-hub-signature-256": "sha256=0123456789abcdefhush",
        "x-event": "issues",
    }
    url = "https://x/hook?api_key=hush&page=2&sig=hush"
    db.call("receive_source_request", registered.row().id, url, "POST", headers, b"{}")
    with db.as_role("perdure_readonly") as reader:
        (request,) = [row.request for row in reader.rows("select request from perdure_views.deliveries")]
    assert request == {
        "url": "https://x/hook?api_key=…&page=2&sig=…",
        "method": "POST",
        "headers": {
            "authorization": "…",
            "cookie": "…",
            "x-gitlab-token": "…",
            "x-hub-signature-256": "sha256=012345678…",
            "x-event": "issues",
        },
    }
    (claimed,) = claim(db)
    assert "Bearer hush" in claimed.headers["x-ts-http-headers"]  # the app sees it all
