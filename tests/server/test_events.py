from urllib.parse import quote

import pytest

from tests.server.conftest import error_of


async def test_an_event_is_stored_and_starts_its_run(server):
    sent = await server.send(id="order-1", payload={"n": 1}, context={"user": "u"})
    assert sent["id"] == "order-1"
    assert sent["payload"] == {"n": 1}
    assert sent["context"] == {"user": "u"}
    assert sent["deliveredAt"] is not None
    read = (await server.client.get("/api/v2/events/order-1")).json()
    assert read["name"] == "greet"
    assert [run["status"] for run in read["runs"]] == ["QUEUED"]
    assert (await server.client.get("/api/v1/events/order-1")).json() == read


async def test_the_same_event_again_changes_nothing(server):
    first = await server.send(id="order-1", payload={"n": 1})
    again = await server.send(id="order-1", payload={"n": 2})
    assert again == first
    assert len((await server.client.get("/api/v2/events/order-1")).json()["runs"]) == 1


async def test_bulk_answers_in_order(server):
    events = [{"name": "greet", "id": f"e{n}", "payload": n} for n in (3, 1, 2)]
    response = await server.client.post("/api/v1/events/bulk", json={"events": events})
    assert response.status_code == 200
    assert [(event["id"], event["payload"]) for event in response.json()] == [("e3", 3), ("e1", 1), ("e2", 2)]


async def test_bulk_answers_nothing_to_who_does_not_want_it(server):
    events = [{"name": "greet", "id": f"e{n}"} for n in (1, 2, 1)]
    headers = {"prefer": "return=minimal"}
    response = await server.client.post("/api/v1/events/bulk", json={"events": events}, headers=headers)
    assert (response.status_code, response.json()) == (200, [])
    read = (await server.client.get("/api/v2/events/e2")).json()
    assert [run["status"] for run in read["runs"]] == ["QUEUED"]
    response = await server.client.post("/api/v1/events/bulk", json={"events": [{}]}, headers=headers)
    assert response.status_code == 400
    assert "events.0.name" in response.text


async def test_bulk_without_events(server):
    response = await server.client.post("/api/v1/events/bulk", json={"events": []})
    assert (response.status_code, response.json()) == (200, [])


async def test_a_delayed_event_can_be_cancelled_and_a_delivered_one_not(server):
    body = {"event": {"name": "greet", "id": "later"}, "options": {"deliverAfter": 60}}
    response = await server.client.post("/api/v1/events", json=body)
    assert response.json()["deliveredAt"] is None
    headers = {"content-type": "application/json"}  # as clients send it, without a body
    cancelled = await server.client.post("/api/v1/events/later/cancel", headers=headers)
    assert cancelled.json()["cancelledAt"] is not None
    assert (await server.client.post("/api/v1/events/later/cancel")).json() == cancelled.json()
    await server.send(id="now")
    error_of(await server.client.post("/api/v1/events/now/cancel"), 409, "JQ003")


async def test_the_runs_of_an_event_are_cancelled(server):
    run = await server.start_run(id="order-1")
    response = await server.client.post("/api/v1/events/order-1/cancel-runs")
    assert response.json() == {"cancelledRunIds": [run.id], "failedToCancelRunIds": []}


async def test_event_ids_may_hold_any_character(server):
    for event_id in ("a/b", "a b", "ü:1.2", "100%"):
        await server.send(id=event_id)
        response = await server.client.get(f"/api/v2/events/{quote(event_id, safe='')}")
        assert response.json()["id"] == event_id


async def test_unknown_and_foreign_events_are_not_found(server):
    await server.send(id="mine")
    foreign = server.as_foreigner
    for path in ("/api/v2/events/mine", "/api/v1/events/mine"):
        error_of(await server.client.get(path, headers=foreign), 404, "JQ001")
    error_of(await server.client.post("/api/v1/events/mine/cancel-runs", headers=foreign), 404, "JQ001")
    error_of(await server.client.get("/api/v2/events/none"), 404, "JQ001")


@pytest.mark.parametrize(
    "payload",
    ['{"b":1.0,"a":[1e400,12345678901234567890123]}', '{"text":"\\u0000 \\ud800 \\\\u0000","\\u0000":[]}'],
)
async def test_a_payload_keeps_its_text(server, payload):
    body = '{"event":{"name":"greet","id":"odd","payload":' + payload + "}}"
    response = await server.client.post("/api/v1/events", content=body.encode())
    assert response.status_code == 200, response.text
    assert payload.replace(" ", "") in response.text.replace(" ", "")


async def test_characters_that_postgres_has_no_text_for_are_replaced_in_names(server):
    body = b'{"event":{"name":"gr\\u0000eet \\ud800","id":"odd"}}'
    response = await server.client.post("/api/v1/events", content=body)
    assert response.json()["name"] == "gr\ufffdeet \ufffd"


async def test_timestamps_without_a_zone_are_refused(server):
    event = {"name": "greet", "timestamp": "2024-01-01T00:00:00"}
    response = await server.client.post("/api/v1/events", json={"event": event})
    assert "event.timestamp: Input should have timezone info" in error_of(response, 400, "INVALID_BODY")
