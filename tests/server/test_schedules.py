from urllib.parse import quote

import httpx
import pytest

from tests.server.conftest import Server, error_of
from tests.sql.schedules.schedule_app import ScheduleApp, attached, cron, interval

PATH = "/api/v1/shop/schedules/tenants/registrations"
KEY = "acme/eu 1"


@pytest.fixture
def app(server: Server) -> ScheduleApp:
    """The endpoint ``shop``, with the dynamic schedule ``tenants``; its schedules fire."""
    endpoint = server.builders.endpoint(
        attached("report"),
        environment=server.endpoint.environment,
        slug="shop",
        dynamicSchedules=[{"id": "tenants", "jobs": []}],
    )
    app = ScheduleApp(server.builders.db, endpoint)
    app.enable(True)
    return app


async def post(server: Server, body: object, path: str = PATH, **options: object) -> httpx.Response:
    response: httpx.Response = await server.client.post(path, json=body, **options)
    return response


async def test_a_schedule_is_attached_and_its_answer_could_be_sent_again(server, app):
    schedule = cron("30 9 * * MON-FRI", "Europe/Berlin", accountId="anna", metadata={"a": None})
    answer = await post(server, {"id": KEY, **schedule})
    assert answer.status_code == 200
    assert answer.json() == {"id": KEY, "schedule": schedule, "metadata": {"a": None}, "active": True}
    due_at = app.due_at(KEY)
    assert (await post(server, {"id": KEY, **answer.json()["schedule"]})).json() == answer.json()
    assert app.due_at(KEY) == due_at
    row = app.row(KEY)
    assert (row.time_zone, row.account, row.dynamic_schedule) == ("Europe/Berlin", "anna", "tenants")


async def test_metadata_is_kept_as_it_was_written(server, app):
    raw = (
        '{"id": "k", "type": "interval", "options": {"seconds": 60}, "metadata": {"z": 1.0, "a": "\\u0000"}}'
    )
    answer = await server.client.post(PATH, content=raw)
    assert answer.text.count('{"z": 1.0, "a": "\\u0000"}') == 2


@pytest.mark.parametrize("sent", [quote(KEY, safe=""), quote(KEY)])
async def test_one_is_ended_by_its_key_with_a_slash_encoded_or_not(server, app, sent):
    await post(server, {"id": KEY, **interval()})
    for _ in range(2):
        response = await server.client.delete(f"{PATH}/{sent}")
        assert (response.status_code, response.json()) == (200, {"ok": True})
    assert (app.row(KEY).active, app.row(KEY).due_at) == (False, None)


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({}, "INVALID_BODY", ["id", "type", "options"]),
        ({"id": "", **interval()}, "INVALID_BODY", ["id"]),
        ({"id": "k", "type": "hourly", "options": {}}, "INVALID_BODY", ["type", "interval"]),
        ({"id": "k", **interval("often")}, "INVALID_BODY", ["options.seconds"]),
        ({"id": "k", **interval(19)}, "JQ010", ["options.seconds", "20..2592000", "19"]),
        ({"id": "k", **interval(None)}, "JQ010", ["options.seconds", "absent"]),
        ({"id": "k", **cron("0 9 * *")}, "JQ010", ["options", "five fields"]),
        ({"id": "k", **cron(zone="Mars/Base")}, "JQ010", ["options", "time zone", "Mars/Base"]),
    ],
)
async def test_a_malformed_schedule_is_refused(server, app, body, code, words):
    text = error_of(await post(server, body), 400, code)
    assert [word for word in words if word not in text] == []
    assert app.db.value("select count(*) from perdure.schedules") == 0


async def test_what_is_not_there(server, app):
    body = {"id": "k", **interval()}
    error_of(await post(server, body, PATH.replace("tenants", "other")), 404, "JQ001")
    error_of(await post(server, body, headers=server.as_foreigner), 404, "JQ001")
    error_of(await post(server, body, headers=server.as_public), 403, "PUBLIC_KEY_REFUSED")
    error_of(await server.client.delete(f"{PATH}/k", headers=server.as_foreigner), 404, "JQ001")
    assert (await server.client.delete(f"{PATH}/never-was")).json() == {"ok": True}
