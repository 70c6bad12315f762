"""Keys, endpoints, limits and projects, as people see and change them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import httpx

from tests.server.dashboard.browser import Browser, words
from tests.server.dashboard.conftest import Office
from tests.sql.deliveries.delivering import answer, apply, claim
from tests.support.builders import Builders, Environment, manifest
from tests.support.fix_clock import Clock
from tests.support.waiting import eventually_async

HERE = "/dashboard/orgs/acme/projects/shop/dev"
KEYS = f"{HERE}/settings/keys"


def shown_key(page: httpx.Response) -> str:
    """The new key that a page shows."""
    (key,) = set(re.findall(r"tr_[a-z]+_[0-9a-f]{40}", page.text))
    return str(key)


async def works(browser: Browser, key: str) -> bool:
    """Does the API take this key?"""
    answer = await browser.client.get("/api/v1/whoami", headers={"authorization": f"Bearer {key}"})
    return answer.status_code == 200


def audit_texts(office: Office) -> str:
    return str(office.db.rows("select action, object, before::text, after::text from perdure.audit_log"))


async def test_a_key_is_shown_once(office: Office, builders: Builders):
    builders.environment("dev", project="shop")
    member = await office.visitor("member")
    page = (await member.open(KEYS)).text
    token = page.partition('name="csrf" value="')[2].partition('"')[0]
    made = await member.post(KEYS, csrf=token, kind="SECRET")
    assert (made.status_code, made.headers["cache-control"]) == (200, "no-store")
    key = shown_key(made)
    assert await works(member, key)
    assert key not in (await member.open(KEYS)).text
    assert key not in audit_texts(office)
    (entry,) = office.db.rows("select object, after from perdure.audit_log where action = 'key.create'")
    assert entry == ("secret key", {"key": key[:11]})
    assert "member@x.org" in (await member.open(KEYS)).text
    viewer = await office.visitor("viewer")
    page = (await viewer.open(KEYS)).text
    assert f"{key[:11]}…" in page
    assert "New secret key" not in page


async def test_a_key_is_rotated_with_overlap_and_revoked(office: Office, builders: Builders, clock: Clock):
    environment = builders.environment("dev", project="shop")
    (old,) = office.db.rows("select id, hint from perdure.api_keys where kind = 'SECRET'")
    member = await office.visitor("member")
    rotated = await member.send(KEYS, f"{KEYS}/{old.id}/rotate", overlap="24")
    new = shown_key(rotated)
    assert "until 20" in words(rotated.text)
    assert await works(member, environment.key)
    assert await works(member, new)
    again = await member.post(f"{KEYS}/{old.id}/rotate", csrf=csrf_of(rotated), overlap="24")
    assert again.status_code == 409
    clock.advance(timedelta(days=1, seconds=1))
    await until_refused(member, environment.key)
    assert await works(member, new)

    (made,) = office.db.rows(
        "select id from perdure.api_keys where kind = 'SECRET' and created_by is not null"
    )
    revoked = await member.send(KEYS, f"{KEYS}/{made.id}/revoke")
    assert revoked.status_code == 303
    assert f"The key {new[:11]}… is revoked." in words((await member.open(KEYS)).text)
    await until_refused(member, new)
    assert new not in audit_texts(office)


async def until_refused(browser: Browser, key: str) -> None:
    """A key that is not in force any more may be remembered for a second."""

    async def is_refused() -> bool:
        return not await works(browser, key)

    await eventually_async(is_refused, what=f"{key[:11]} is refused")


def csrf_of(page: httpx.Response) -> str:
    return page.text.partition('name="csrf" value="')[2].partition('"')[0]


async def test_keys_of_another_environment_are_not_touched(office: Office, builders: Builders):
    builders.environment("dev", project="shop")
    other = builders.environment("prod", project="shop")
    foreign = office.db.value(
        "select id from perdure.api_keys where environment_id = %s and kind = 'SECRET'", other.id
    )
    member = await office.visitor("member")
    token = csrf_of(await member.open(KEYS))
    for action, fields in (("revoke", {}), ("rotate", {"overlap": "0"})):
        sent = await member.post(f"{KEYS}/{foreign}/{action}", csrf=token, **fields)
        assert sent.status_code == 404
    assert await works(member, other.key)
    assert other.key[:12] not in (await member.open(KEYS)).text


async def test_an_app_that_could_not_be_read_says_why_and_has_a_hook(office: Office, builders: Builders):
    environment = builders.environment("dev", project="shop")
    app = builders.endpoint(environment=environment)
    office.db.call("record_index_failure", app.id, "<script>refused</script>")
    path = f"{HERE}/settings/endpoints"
    viewer = (await (await office.visitor("viewer")).open(path)).text
    assert "&lt;script&gt;refused&lt;/script&gt;" in viewer
    assert "/index/" not in viewer
    admin = await office.visitor("admin")
    page = await admin.open(path)
    hook = hook_of(page)
    assert (await admin.client.post(hook)).status_code == 200
    rotated = await admin.send(path, f"{path}/app/hook")
    assert rotated.status_code == 303
    new = hook_of(await admin.open(path))
    assert new != hook
    assert (await admin.client.post(hook)).status_code == 404
    assert new.rpartition("/")[2] not in audit_texts(office)


async def test_an_app_shows_how_quickly_it_answered(office: Office, builders: Builders, clock: Clock):
    environment = builders.environment("dev", project="shop")
    builders.endpoint(environment=environment)
    member = await office.visitor("member")
    path = f"{HERE}/settings/endpoints"
    hook = hook_of(await member.open(path))
    assert (await member.client.post(hook)).status_code == 200
    clock.advance(timedelta(seconds=5))
    (claimed,) = claim(office.db, kind="INDEX")
    apply(office.db, answer(claimed, manifest(), durationMs=1234))
    assert "Answered within 1.2 s" in words((await member.open(path)).text)


def hook_of(page: httpx.Response) -> str:
    (found,) = re.findall(r'value="http://perdure\.test(/api/v1/endpoints/[^"]*/index/[0-9a-f]+)"', page.text)
    return str(found)


async def test_registering_an_app_that_does_not_answer_says_so(office: Office, builders: Builders):
    builders.environment("dev", project="shop")
    path = f"{HERE}/settings/endpoints"
    admin = await office.visitor("admin")
    sent = await admin.send(path, path, url="http://127.0.0.1:9/api/trigger")
    assert sent.status_code == 400
    assert "127.0.0.1:9" in words(sent.text)
    assert 'value="http://127.0.0.1:9/api/trigger"' in sent.text
    malformed = await admin.send(path, path, url="nonsense")
    assert malformed.status_code == 400


async def test_limits_of_runs(office: Office, builders: Builders):
    environment: Environment = builders.environment("dev", project="shop")
    path = f"{HERE}/settings/environment"
    admin = await office.visitor("admin")
    sent = await admin.send(path, path, executions="50", seconds="")
    assert sent.status_code == 303
    row: Any = office.db.rows("select * from perdure_views.environments where id = %s", environment.id)[0]
    assert (row.max_executions, row.max_duration_ms) == (50, None)
    refused = await admin.send(path, path, executions="many", seconds="")
    assert (refused.status_code, "executions" in words(refused.text)) == (400, True)


async def test_a_project_is_made_with_keys_that_work(office: Office):
    admin = await office.visitor("admin")
    home = "/dashboard/orgs/acme"
    made = await admin.send(home, f"{home}/projects", project="books")
    keys = set(re.findall(r"tr_[a-z]+_[0-9a-f]{40}", made.text))
    assert {key.split("_")[1] for key in keys} == {"dev", "stg", "prod", "prev"}
    assert all([await works(admin, key) for key in keys])
    assert not any(key in audit_texts(office) for key in keys)
    for name, problem in (("books", "already"), ("Books!", "small letters")):
        refused = await admin.send(home, f"{home}/projects", project=name)
        assert refused.status_code == 400
        assert problem in words(refused.text)
    preview = await admin.send(home, f"{home}/environments", project="books", environment="branch")
    assert await works(admin, shown_key(preview))
    assert "/dashboard/orgs/acme/projects/books/branch" in (await admin.open(home)).text
    viewer = await office.visitor("viewer")
    assert "New project" not in (await viewer.open(home)).text


async def test_a_project_of_another_organization_is_not_taken_over(office: Office):
    office.db.call("create_project", "elsewhere", "theirs")
    admin = await office.visitor("admin")
    home = "/dashboard/orgs/acme"
    refused = await admin.send(home, f"{home}/projects", project="theirs")
    assert (refused.status_code, "taken" in words(refused.text)) == (400, True)
    token = csrf_of(await admin.open(home))
    sent = await admin.post(f"{home}/environments", csrf=token, project="theirs", environment="branch")
    assert sent.status_code == 404
