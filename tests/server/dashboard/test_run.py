"""The page of a run: what became of it, why, and where; of its environment only, and harmless."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from time import perf_counter
from typing import Any

import pytest

from tests.server.dashboard.browser import Browser, words
from tests.server.dashboard.conftest import Office
from tests.sql.rows import task_row
from tests.support.builders import Builders, Claim, Endpoint, Run, job, task
from tests.support.fix_clock import Clock

HERE = "/dashboard/orgs/acme/projects/shop/prod/runs"
HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)> & {{ 7 * 7 }}"
ERROR = {"message": "no money", "name": "CardRefused", "stack": "File pay.py, line 7"}


@pytest.fixture
def app(builders: Builders) -> Endpoint:
    return builders.endpoint(job(), environment=builders.environment("prod", project="shop"))


def done(run: Run, key: str, **members: Any) -> dict[str, Any]:
    """A finished task, with a key as the SDK makes it."""
    digest = hashlib.sha256(f"{run.id}::{key}".encode()).hexdigest()
    stated = {"name": key, "status": "COMPLETED", "output": key, "idempotencyKey": digest}
    return task(key, **stated | members)


def failed(builders: Builders, app: Endpoint, payload: Any = None) -> Run:
    run = builders.run(app, payload=payload or {"order": 17})
    claim = builders.claim(run)
    claim.store(
        done(run, "reserve", params={"item": "lamp"}, name="Reserve", icon="box"),
        task("log", name="log", noop=True, description="going to charge", params={"cents": 4900},
             properties=[{"label": "Level", "text": "WARN"}]),
        done(run, "charge", status="ERRORED", error=ERROR),
    )  # fmt: skip
    assert claim.reply("ERROR", error=ERROR) == "FAILURE"
    return run


async def opened(browser: Browser, path: str) -> str:
    page = await browser.open(path)
    assert page.status_code == 200, page.text
    return page.text


async def test_a_failed_run_tells_its_error_and_the_task_without_a_click(
    office: Office, builders: Builders, app: Endpoint
) -> None:
    run = failed(builders, app)
    page = await opened(await office.visitor("viewer"), f"{HERE}/{run.id}")
    text = words(page)
    assert "greet ✕ Failed" in text
    assert "CardRefused no money The task that failed File pay.py, line 7" in text
    inspector = words("<body>" + page.partition('id="task"')[2])
    assert "charge ✕ Failed" in inspector
    assert "CardRefused : no money" in inspector
    assert page.count("File pay.py, line 7") == 1  # once is enough
    assert "✓ Completed reserve Reserve" in text
    assert "<form" not in page.partition("<main")[2]  # a viewer changes nothing
    assert 'role="img" aria-label="Time of the run: ' in page


async def test_a_task_is_looked_at(office: Office, builders: Builders, app: Endpoint) -> None:
    run = builders.run(app)
    claim = builders.claim(run)
    claim.store(
        done(
            run,
            "charge",
            params={"card": {"__redactedString": True, "strings": ["card 4242"], "interpolations": []}},
            output={"token": "s3cret", "id": 9},
            redact={"paths": ["token"]},
            connectionKey="stripe",
            properties=[
                {"label": "Order", "text": "No. 17", "url": "https://shop.test/orders/17"},
                {"label": "Trap", "text": "click me", "url": "javascript:alert(1)"},
            ],
        ),
        task("flaky", status="RUNNING"),
    )
    claim.reply(
        "RETRY_WITH_TASK",
        task={"id": str(task_row(office.db, run.id, "flaky").id)},
        error=ERROR,
        retryAt="2099-01-01T00:00:00Z",
    )
    browser = await office.visitor("viewer")
    charged = await opened(browser, f"{HERE}/{run.id}?task={task_row(office.db, run.id, 'charge').id}")
    inspector = charged.partition('id="task"')[2]
    assert 'href="https://shop.test/orders/17"' in inspector
    assert "javascript:" not in charged
    assert "[REDACTED]" in inspector
    assert "s3cret" not in charged
    assert "card 4242" not in charged
    assert "Connection stripe" in words("<body>" + inspector)
    flaky = await opened(browser, f"{HERE}/{run.id}?task={task_row(office.db, run.id, 'flaky').id}")
    assert "2099-01-01" in flaky
    assert re.search(r"Tries 2 ○ Pending .* 1 ✕ Failed .* CardRefused : no money", words(flaky))


async def test_logs_requests_and_event(office: Office, builders: Builders, app: Endpoint) -> None:
    run = failed(builders, app)
    browser = await office.visitor("viewer")
    logs = words(await opened(browser, f"{HERE}/{run.id}?view=logs"))
    assert 'warn going to charge {"cents": 4900}' in logs
    requests = words(await opened(browser, f"{HERE}/{run.id}?view=requests"))
    assert re.search(r"1 20\S+ \S+ UTC ERROR 200 5 ms test", requests)
    event = words(await opened(browser, f"{HERE}/{run.id}?view=event"))
    assert 'Payload { "order": 17 }' in event
    assert (await browser.open(f"{HERE}/{run.id}?view=nothing")).status_code == 404


async def test_a_run_that_waits_says_why_and_days_leave_seconds_readable(
    office: Office, builders: Builders, app: Endpoint, clock: Clock
) -> None:
    run = builders.run(app)
    clock.advance(timedelta(seconds=4))
    claim = builders.claim(run)
    clock.advance(timedelta(seconds=2))
    claim.reply("RESUME_WITH_TASK", task=task("a day", noop=True, name="a day", delaySeconds=86400))
    browser = await office.visitor("viewer")
    waiting = await opened(browser, f"{HERE}/{run.id}")
    assert "◷ Waiting" in words(waiting)
    assert 'class="notice waiting"' in waiting
    assert (await opened(browser, f"{HERE}/{run.id}")) == waiting  # nothing to send to who looks at it
    clock.advance(timedelta(days=1, seconds=1))
    office.db.call("promote_due")
    clock.advance(timedelta(seconds=3))
    claim = builders.claim(run)
    clock.advance(timedelta(seconds=1))
    claim.reply("SUCCESS", output={"sent": True})
    page = await opened(browser, f"{HERE}/{run.id}")
    text = words(page)
    assert re.search(r"Queued 7\.\d s HTTP 3\.\d s Waiting 1 d", text)
    assert "Waits are drawn shorter than they were" in text
    queued = re.search(r'<path class="queued" d="M0 0h([\d.]+)v', page)
    assert queued is not None
    assert float(queued[1]) > 200  # of 1000: four seconds beside a day
    assert 'Output of the run { "sent": true }' in text


async def test_what_data_says_is_shown_not_done(office: Office, builders: Builders, app: Endpoint) -> None:
    run = builders.run(app, payload={"text": HOSTILE})
    claim = builders.claim(run)
    hostile = [{"label": HOSTILE, "text": HOSTILE, "url": "data:text/html,x"}]
    claim.store(
        done(run, HOSTILE, name=HOSTILE, icon=HOSTILE, description=HOSTILE, params=HOSTILE, output=HOSTILE,
             properties=hostile, outputProperties=hostile, connectionKey=HOSTILE),
        task("log", name="log", noop=True, description=HOSTILE, params=HOSTILE, properties=hostile),
    )  # fmt: skip
    office.db.call(
        "set_run_metadata", run.environment.id, run.id, {"addTags": [HOSTILE], "metadata": {"a": HOSTILE}}
    )
    office.db.call(
        "set_run_status", run.environment.id, run.id, "k", {"label": HOSTILE, "data": {"a": HOSTILE}}
    )
    claim.reply("ERROR", error={"message": HOSTILE, "name": HOSTILE, "stack": HOSTILE})
    browser = await office.visitor("member")
    task_id = task_row(office.db, run.id, HOSTILE).id
    for path in ("", f"?task={task_id}", f"?within={task_id}", "?view=logs", "?view=requests", "?view=event",
                 "/rerun", f"/tasks/{task_id}/output", "/compare"):  # fmt: skip
        page = (await opened(browser, f"{HERE}/{run.id}{path}")).partition("<main")[2]
        assert "<script>" not in page
        assert "<img" not in page
        assert "data:text" not in page
        assert "49" not in re.sub(r"[0-9a-f-]{36}|[0-9a-f]{64}", "", page).partition("onerror")[2][:60]


@pytest.fixture
def long_run(builders: Builders, app: Endpoint) -> Run:
    """3,000 tasks: 1,000 of the outermost level, 2,000 in one of them, the last one failed."""
    run = builders.run(app)
    claim = builders.claim(run)
    outer = done(run, "group", status="RUNNING")
    claim.store(outer)
    for start in range(0, 3000, 500):
        claim.store(*(_one_of_many(run, outer, number) for number in range(start, start + 500)))
    claim.store(done(run, "last", status="ERRORED", error=ERROR))
    claim.reply("ERROR", error=ERROR)
    return run


def _one_of_many(run: Run, outer: dict[str, Any], number: int) -> dict[str, Any]:
    inner = {} if number % 3 == 0 else {"parentKey": outer["idempotencyKey"]}
    return done(run, f"item {number}", **inner)


async def test_three_thousand_tasks_are_shown_in_parts_and_quickly(office: Office, long_run: Run) -> None:
    browser = await office.visitor("viewer")
    await opened(browser, f"{HERE}/{long_run.id}?view=event")  # templates are compiled
    times = []
    for _ in range(3):
        begun = perf_counter()
        page = await opened(browser, f"{HERE}/{long_run.id}")
        times.append(perf_counter() - begun)
    assert min(times) < 0.3
    assert "Tasks (3,002)" in words(page)
    assert page.count('id="row-') == 250
    assert "1,950 more" in words(page)
    assert "last ✕ Failed" in words("<body>" + page.partition('id="task"')[2])
    seen = set(re.findall(r'id="row-([0-9a-f-]{36})"', page))
    follow: Callable[[str, str], str] = lambda found, label: (  # noqa: E731
        re.findall(rf'<a href="([^"]*)">{label}</a>', found)[0].replace("&amp;", "&")
    )
    inner = await opened(browser, follow(page, "1,950 more"))
    assert "item 76" in words(inner)
    later = await opened(browser, follow(page, "Later tasks"))
    fresh = set(re.findall(r'id="row-([0-9a-f-]{36})"', later))
    assert len(fresh) == 200
    assert not fresh & seen
    assert "item 2997" in words(await opened(browser, follow(page, "Last tasks")))


async def test_actions(office: Office, builders: Builders, app: Endpoint) -> None:
    run = failed(builders, app)
    browser = await office.visitor("member")
    here = f"{HERE}/{run.id}"
    again = await browser.send(here, f"{here}/continue")
    assert (again.status_code, again.headers["location"]) == (303, here)
    assert run.status == "QUEUED"
    refused = await browser.post(f"{here}/continue", **(await _token(browser, here)))
    assert refused.status_code == 409
    assert "it has not ended, and goes on by itself" in words(refused.text)
    await browser.send(here, f"{here}/cancel")
    assert run.status == "CANCELED"
    assert "The run is canceled." in words(await opened(browser, here))
    builders.claims()
    new = await browser.send(here, f"{here}/rerun")
    assert new.headers["location"] != here
    (claim,) = builders.claims()
    assert new.headers["location"] == f"{HERE}/{claim.run_id}"
    log = [(action, subject) for _, action, subject, _, _ in office.people.log()[:3]]
    assert log == [("run.rerun", run.id), ("run.cancel", run.id), ("run.continue", run.id)]


async def test_a_rerun_with_an_edited_payload(office: Office, builders: Builders, app: Endpoint) -> None:
    run = failed(builders, app, {"order": 17, "text": "</textarea>"})
    browser = await office.visitor("member")
    form = f"{HERE}/{run.id}/rerun"
    assert '"order": 17' in (await opened(browser, form)).replace("&#34;", '"')
    wrong = await browser.send(form, form, payload='{\n  "order": 18,\n}')
    assert wrong.status_code == 400
    assert re.search(r"Line \d column \d+: \w+", words(wrong.text))
    assert "&#34;order&#34;: 18" in wrong.text  # what was written is not lost
    assert (await browser.send(form, form, payload='{"n": NaN}')).status_code == 400
    sent = await browser.send(form, form, payload='{"order": 18}')
    (claim,) = builders.claims()
    assert sent.headers["location"] == f"{HERE}/{claim.run_id}"
    assert claim.body["event"]["payload"] == {"order": 18}


async def test_a_result_is_edited_and_the_run_goes_on_with_it(
    office: Office, builders: Builders, app: Endpoint
) -> None:
    run = failed(builders, app)
    browser = await office.visitor("member")
    task_id = task_row(office.db, run.id, "charge").id
    form = f"{HERE}/{run.id}/tasks/{task_id}/output"
    assert (await browser.send(form, form, output="{")).status_code == 400
    await browser.send(form, form, output='{"paid": true}')
    row = task_row(office.db, run.id, "charge")
    assert (row.status, row.output) == ("COMPLETED", {"paid": True})
    _, action, subject, before, after = office.people.log()[0]
    assert (action, subject) == ("task.set_output", f"charge in {run.id}")
    assert json.loads(before["output"]) == ERROR
    assert json.loads(after["output"]) == {"paid": True}
    office.db.call("continue_run", run.environment.id, run.id)
    refused = await browser.send(form, form, output="1")
    assert refused.status_code == 409
    assert "cancel it first" in words(refused.text)


async def test_a_secret_result_is_overwritten_unseen(
    office: Office, builders: Builders, app: Endpoint
) -> None:
    run = builders.run(app)
    claim = builders.claim(run)
    claim.store(done(run, "key", output={"token": "s3cret"}, redact={"paths": ["token"]}))
    claim.reply("SUCCESS")
    browser = await office.visitor("member")
    form = f"{HERE}/{run.id}/tasks/{task_row(office.db, run.id, 'key').id}/output"
    page = await opened(browser, form)
    assert "s3cret" not in page
    assert "Parts of this result are secret" in words(page)
    await browser.send(form, form, output='{"token": "0ther"}')
    assert task_row(office.db, run.id, "key").output == {"token": "0ther"}
    assert "0ther" not in str(office.people.log())
    assert "0ther" not in await opened(
        browser, f"{HERE}/{run.id}?task={task_row(office.db, run.id, 'key').id}"
    )


async def test_a_rerun_from_a_task(office: Office, builders: Builders, app: Endpoint) -> None:
    run = failed(builders, app)
    browser = await office.visitor("member")
    here = f"{HERE}/{run.id}"
    task_id = task_row(office.db, run.id, "charge").id
    sent = await browser.send(f"{here}?task={task_id}", f"{here}/tasks/{task_id}/rerun")
    (claim,) = builders.claims()
    assert sent.headers["location"] == f"{HERE}/{claim.run_id}"
    assert [known["displayKey"] for known in claim.body["tasks"]] == ["reserve"]
    assert "reserve Reserve from the earlier run" in words(await opened(browser, f"{HERE}/{claim.run_id}"))


async def test_two_runs_are_compared(office: Office, builders: Builders, app: Endpoint) -> None:
    first = failed(builders, app)
    second = builders.run(app, payload={"order": 18})
    claim: Claim = builders.claim(second)
    claim.store(done(second, "reserve"), done(second, "charge"), done(second, "ship"))
    claim.reply("SUCCESS", output="sent")
    browser = await office.visitor("viewer")
    here = f"{HERE}/{second.id}"
    assert f'href="{here}/compare?with={first.id}"' in await opened(browser, here)
    page = words(await opened(browser, f"{here}/compare"))
    assert re.search(r'earlier: "order": 17 \S this: "order": 18', page)
    assert re.search(r"reserve ✓ Completed [\d.]+ m?s ✓ Completed [\d.]+ m?s the same", page)
    assert re.search(r"charge ✕ Failed [\d.]+ m?s ✓ Completed [\d.]+ m?s differs", page)
    assert re.search(r"ship not there ✓ Completed [\d.]+ m?s differs", page)


async def test_a_run_of_another_environment_is_not_there(
    office: Office, builders: Builders, app: Endpoint
) -> None:
    run = failed(builders, app)
    office.db.call("get_environment", "shop", "stg")
    elsewhere = HERE.replace("/prod/", "/stg/")
    other = builders.run(builders.endpoint(environment=builders.environment("stg", project="shop")))
    builders.claim(other).store(done(other, "theirs", output="private"))
    browser = await office.visitor("member")
    task_id = task_row(office.db, run.id, "charge").id
    theirs = task_row(office.db, other.id, "theirs").id
    for path in ("", "?view=logs", "/rerun", "/compare", f"/tasks/{task_id}/output"):
        assert (await browser.open(f"{elsewhere}/{run.id}{path}")).status_code == 404
    assert (await browser.open(f"{HERE}/{run.id}/compare?with={other.id}")).status_code == 404
    assert (await browser.open(f"{HERE}/{run.id}/tasks/{theirs}/output")).status_code == 404
    assert "private" not in await opened(browser, f"{HERE}/{run.id}?task={theirs}&within={theirs}")
    assert (await browser.open(f"{HERE}/nothing")).status_code == 404
    token = await _token(browser, f"{HERE}/{run.id}")
    for action in ("cancel", "continue", "rerun", f"tasks/{task_id}/rerun"):
        assert (await browser.post(f"{elsewhere}/{run.id}/{action}", **token)).status_code == 404
    assert (await browser.post(f"{HERE}/{run.id}/tasks/{theirs}/rerun", **token)).status_code == 404
    assert run.status == "FAILURE"


async def _token(browser: Browser, page: str) -> dict[str, str]:
    text = (await browser.open(page)).text
    return {"csrf": text.partition('name="csrf" value="')[2].partition('"')[0]}
