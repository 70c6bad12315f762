"""Jobs in the dashboard: the list, one job with its settings, pauses, and testing by hand."""

from __future__ import annotations

import json

import pytest

from tests.server.dashboard.browser import words
from tests.server.dashboard.conftest import Office
from tests.support.builders import Builders, Endpoint, job

HERE = "/dashboard/orgs/acme/projects/shop/prod"

SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "of the order"},
        "count": {"type": "integer", "minimum": 1},
        "size": {"enum": ["S", "L"]},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
    },
    "required": ["id"],
}
EXAMPLES = [{"id": "big", "name": "A big order", "payload": {"id": "o-1", "count": 900}}]


@pytest.fixture
def app(builders: Builders) -> Endpoint:
    """An app with jobs of several kinds."""
    declared = job("ship-order", event="order.placed", name="Ship order")
    declared["event"] |= {"schema": SCHEMA, "examples": EXAMPLES}
    slack = {"id": "slack", "authSource": "LOCAL", "metadata": {"id": "slack", "name": "Slack"}}
    return builders.endpoint(
        declared,
        job(
            "nightly",
            trigger={"type": "scheduled", "schedule": {"type": "cron", "options": {"cron": "0 3 * * *"}}},
        ),
        job(
            "mail", event="mail", concurrencyLimit={"id": "mails", "limit": 2}, integrations={"slack": slack}
        ),
        job("gone", event="gone", enabled=False),
        environment=builders.environment("prod", project="shop"),
    )


async def test_the_list_says_what_starts_jobs_and_how_they_do(
    office: Office, builders: Builders, app: Endpoint
) -> None:
    for number, _ in enumerate(builders.runs(4, app, event="order.placed")):
        (claim,) = builders.claims(1)
        claim.reply("SUCCESS" if number else "ERROR", error={"message": "no"})
    viewer = await office.visitor("viewer")
    page = (await viewer.open(f"{HERE}/jobs")).text
    told = words(page)
    assert "Ship order ship-order event order.placed" in told
    assert "75 % of the last 4" in told
    assert "Nightly nightly cron 0 3 * * *, UTC" in told
    assert "Slack" in told
    assert told.index("Disabled jobs") < told.index("gone event gone")
    assert "mails mail 0 of 2" in told
    assert f'action="{HERE}/pause"' not in page, "a viewer changes nothing"
    found = words((await viewer.open(f"{HERE}/jobs?q=cron+night")).text)
    assert "nightly" in found
    assert "ship-order" not in found
    assert "No job is found" in words((await viewer.open(f"{HERE}/jobs?q=nothing+such")).text)


async def test_a_job_is_paused_seen_and_resumed(office: Office, builders: Builders, app: Endpoint) -> None:
    member = await office.visitor("member")
    here = f"{HERE}/jobs/ship-order"
    answer = await member.send(here, f"{here}/pause", reason="the warehouse <b>moves</b>")
    assert answer.status_code == 303
    page = (await member.open(here)).text
    assert "This job is paused by member@x.org" in words(page)
    assert "the warehouse &lt;b&gt;moves&lt;/b&gt;" in page
    assert "Ship order paused" in words((await member.open(f"{HERE}/jobs")).text)
    builders.run(app, event="order.placed")
    assert builders.claims() == []
    await member.send(here, f"{here}/resume")
    page = words((await member.open(here)).text)
    assert "The job goes on. 1 run was waiting." in page
    assert "is paused" not in page
    assert len(builders.claims()) == 1
    actions = [row.action for row in office.db.rows("select action from perdure.audit_log order by id")]
    assert actions[-2:] == ["job.pause", "job.resume"]


async def test_queues_and_the_environment_are_paused_from_the_list(
    office: Office, builders: Builders, app: Endpoint
) -> None:
    member = await office.visitor("member")
    await member.send(f"{HERE}/jobs", f"{HERE}/queues/mails/pause")
    await member.send(f"{HERE}/jobs", f"{HERE}/pause", reason="migration")
    page = words((await member.open(f"{HERE}/jobs")).text)
    assert "This environment is paused by member@x.org" in page
    assert "mails paused" in page
    builders.run(app, event="mail")
    assert builders.claims() == []
    await member.send(f"{HERE}/jobs", f"{HERE}/resume")
    assert builders.claims() == []
    await member.send(f"{HERE}/jobs", f"{HERE}/queues/mails/resume")
    assert len(builders.claims()) == 1


async def test_a_person_sets_how_many_executions_there_are_at_once(
    office: Office, builders: Builders, app: Endpoint
) -> None:
    member = await office.visitor("member")
    here = f"{HERE}/jobs/mail"
    assert "2 for the queue mails, set in the code" in words((await member.open(here)).text)
    await member.send(here, f"{here}/limit", limit="1")
    page = words((await member.open(here)).text)
    assert "1, set by a person" in page
    assert "The code says 2 for the queue mails. Somebody has set 1 instead." in page
    builders.runs(3, app, event="mail")
    assert len(builders.claims()) == 1
    refused = await member.send(here, f"{here}/limit", limit="many")
    assert refused.status_code == 400
    assert "limit: write a whole number from 1 to 1,000,000" in words(refused.text)
    await member.send(here, f"{here}/limit", limit="")
    assert "2 for the queue mails, set in the code" in words((await member.open(here)).text)


async def test_a_job_is_of_its_environment(office: Office, builders: Builders, app: Endpoint) -> None:
    builders.endpoint(job("elsewhere"), environment=builders.environment("prod", project="other"))
    member = await office.visitor("member")
    for path in ("elsewhere", "elsewhere/test", "unknown"):
        assert (await member.open(f"{HERE}/jobs/{path}")).status_code == 404


async def test_a_job_is_tested_from_the_form(office: Office, builders: Builders, app: Endpoint) -> None:
    member = await office.visitor("member")
    here = f"{HERE}/jobs/ship-order/test"
    page = (await member.open(here)).text
    assert 'value="o-1"' in page, "the example is filled in"
    assert "of the order" in page
    answer = await member.send(
        here, here, **{"p/count": "3", "p/size": '"L"', "p/lines/0/sku": "shoe", "account": "user-1"}
    )
    assert answer.status_code == 303
    (claim,) = builders.claims()
    assert answer.headers["location"] == f"{HERE}/runs/{claim.run_id}"
    assert claim.body["event"]["payload"] == {
        "id": "o-1", "count": 3, "size": "L", "lines": [{"sku": "shoe"}],
    }  # fmt: skip
    assert (claim.body["run"]["isTest"], claim.body["account"]["id"]) == (True, "user-1")
    again = (await member.open(f"{here}?example={claim.run_id}")).text
    assert 'value="shoe"' in again, "the payload of the latest run is there to be picked"


async def test_json_counts_when_it_is_given(office: Office, builders: Builders, app: Endpoint) -> None:
    member = await office.visitor("member")
    here = f"{HERE}/jobs/ship-order/test"
    await member.send(here, here, json='{"id": "j", "more": [1]}', context='{"by": "hand"}')
    (claim,) = builders.claims()
    assert claim.body["event"]["payload"] == {"id": "j", "more": [1]}
    assert claim.body["event"]["context"] == {"by": "hand"}


async def test_what_does_not_fit_is_named_and_may_be_sent_even_so(
    office: Office, builders: Builders, app: Endpoint
) -> None:
    member = await office.visitor("member")
    here = f"{HERE}/jobs/ship-order/test"
    refused = await member.send(here, here, **{"p/count": "0"})
    assert refused.status_code == 400
    assert "count must be at least 1" in words(refused.text)
    assert 'value="o-1"' in refused.text, "what was filled in stays"
    refused = await member.send(here, here, json='{"count": 1}')
    assert "id is missing" in words(refused.text)
    assert (await member.send(here, here, json="{oops")).status_code == 400
    assert builders.claims() == []
    sent = await member.send(here, here, json='{"count": 0}', anyway="1")
    assert sent.status_code == 303
    (claim,) = builders.claims()
    assert claim.body["event"]["payload"] == {"count": 0}


async def test_rows_are_added_and_both_forms_follow_each_other(office: Office, app: Endpoint) -> None:
    member = await office.visitor("member")
    here = f"{HERE}/jobs/ship-order/test"
    page = await member.send(here, here, add="p/lines", **{"p/lines/0/sku": "one"})
    assert page.status_code == 200
    assert 'value="one"' in page.text
    assert 'name="p/lines/1/sku"' in page.text
    page = await member.send(here, here, show="json", json='{"more": 1}', **{"p/id": "typed"})
    assert "&#34;id&#34;: &#34;typed&#34;" in page.text
    assert "&#34;more&#34;: 1" in page.text
    page = await member.send(here, here, show="fields", json='{"id": "<b>", "lines": [{"sku": "s"}, {}]}')
    assert 'value="&lt;b&gt;"' in page.text
    assert 'name="p/lines/1/sku"' in page.text


async def test_a_scheduled_job_is_tested_with_a_tick(
    office: Office, builders: Builders, app: Endpoint
) -> None:
    member = await office.visitor("member")
    here = f"{HERE}/jobs/nightly/test"
    await member.send(here, here)
    (claim,) = builders.claims()
    assert claim.body["event"]["name"] == "dev.trigger.scheduled"
    assert "ts" in claim.body["event"]["payload"]
    viewer = await office.visitor("viewer")
    assert (await viewer.open(here)).status_code == 403


@pytest.mark.parametrize(
    "text",
    [
        '{"id": "\\ud800", "more": "\\u0000"}',
        '{"id": "x", "count": 123456789012345678901234567890, "more": 1e400}',
        '{"id": "x", "lines": ' + json.dumps([{"sku": str(n)} for n in range(200)]) + "}",
        '{"id": "x", "more": ' + "[" * 400 + "]" * 400 + "}",
    ],
    ids=["halves of characters", "great numbers", "more than a form holds", "deep"],
)
async def test_any_json_arrives_as_it_was_written(
    office: Office, builders: Builders, app: Endpoint, text: str
) -> None:
    member = await office.visitor("member")
    here = f"{HERE}/jobs/ship-order/test"
    for show in ("fields", "json"):
        assert (await member.send(here, here, json=text, show=show)).status_code == 200
    sent = await member.send(here, here, json=text)
    assert sent.status_code == 303, words(sent.text)
    assert office.db.value("select payload::text from perdure.events") == text
    assert (await member.open(here)).status_code == 200, "it is among the latest payloads"
    run_id = sent.headers["location"].rpartition("/")[2]
    assert (await member.open(f"{here}?example={run_id}")).status_code == 200


async def test_what_is_no_json_or_too_deep_is_said(office: Office, app: Endpoint) -> None:
    member = await office.visitor("member")
    here = f"{HERE}/jobs/ship-order/test"
    for text, told in (
        ("{oops", "Line 1 column 2"),
        ("[" * 100_000, "nested too deeply"),
        ("NaN", "NaN is not JSON"),
    ):
        refused = await member.send(here, here, json=text)
        assert refused.status_code == 400
        assert told in words(refused.text)
