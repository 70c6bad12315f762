"""The table of events against githubkit's, and what triggers make of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pytest
from githubkit_schemas.latest.webhooks import VALID_EVENT_NAMES

from perdure import ConfigurationError, Perdure
from perdure.wire.events import check_event_filter
from perdure_github import GitHub, IssueOpened, RepositoryEvent
from perdure_github.events import EVENTS
from perdure_github.payloads import PAYLOADS
from perdure_github.triggers import NamedTrigger, RepositoryTriggers
from tests.support.fakes.github.hooks import REPOSITORY_EVENTS
from tests.support.fakes.platform import FakePlatform

from . import githubkit_source

OF_REPOSITORIES = sorted(event.name for event in EVENTS.values() if event.owner == "repository")
NAMED = {name: value for name, value in vars(RepositoryTriggers).items() if isinstance(value, NamedTrigger)}


def literals(annotation: Any) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    else:
        for argument in get_args(annotation):
            yield from literals(argument)


def test_the_table_has_every_event_of_githubkit() -> None:
    assert set(EVENTS) == set(VALID_EVENT_NAMES)


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_the_table_has_every_action_of_githubkit(event: str) -> None:
    assert EVENTS[event].actions == githubkit_source.actions(event)


def test_the_fake_accepts_the_events_that_we_take_for_repository_events() -> None:
    assert set(OF_REPOSITORIES) == REPOSITORY_EVENTS - {"ping"}


@pytest.mark.parametrize("event", OF_REPOSITORIES)
def test_every_repository_event_has_a_trigger(declared: GitHub, event: str) -> None:
    trigger = declared.on(event, owner="acme", repo="site")
    rule = trigger.metadata().rule
    assert (rule.event, rule.source) == (event, "github.com")
    assert rule.payload == {"repository": {"full_name": [{"$ignoreCaseEquals": "acme/site"}]}}
    assert trigger.payload_type is PAYLOADS.get(event, RepositoryEvent)
    (source,) = trigger.sources()
    assert (source.key, source.options) == ("github.repo.acme.site", {"event": [event]})


@pytest.mark.parametrize("name", sorted(NAMED))
def test_named_triggers_agree_with_the_table(declared: GitHub, name: str) -> None:
    named = NAMED[name]
    trigger = getattr(declared, name)(owner="acme", repo="site")
    rule = trigger.metadata().rule
    assert rule.event == named.event
    assert (rule.payload or {}).get("action") == ([named.action] if named.action else None)
    assert issubclass(named.payload, PAYLOADS[named.event])
    allowed = set(literals(named.payload.model_fields["action"].annotation))
    assert not allowed or allowed == {named.action} or len(EVENTS[named.event].actions) == 1
    assert trigger.payload_type is named.payload


def test_on_takes_actions_a_schema_and_a_filter(declared: GitHub) -> None:
    trigger = declared.on(
        "pull_request",
        owner="Acme",
        repo="Site",
        action=["opened", "reopened"],
        schema=dict[str, Any],
        filter={"pull_request": {"draft": [False]}, "repository": {"private": [True]}},
    )
    payload = trigger.metadata().rule.payload
    assert payload == {
        "action": ["opened", "reopened"],
        "pull_request": {"draft": [False]},
        "repository": {"private": [True], "full_name": [{"$ignoreCaseEquals": "Acme/Site"}]},
    }
    check_event_filter(payload)
    assert trigger.payload_type == dict[str, Any]
    assert trigger.sources()[0].key == "github.repo.acme.site"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"event": "isues"}, r"event: GitHub has no event 'isues' \(did you mean 'issues'\?\)"),
        ({"event": "zzz"}, "event: GitHub has no event 'zzz'$"),
        ({"event": "membership"}, "is sent to webhooks of an organization"),
        ({"event": "merge_group"}, "is sent to GitHub Apps"),
        ({"event": "ping"}, "the source answers it"),
        (
            {"event": "issues", "action": "openned"},
            r"did you mean 'opened'\?.*filter={'action': \['openned'\]}",
        ),
        ({"event": "push", "action": "created"}, "'push' has no actions"),
        ({"event": "push", "repo": "acme/site"}, "repo: must be the name of the repository alone"),
        ({"event": "push", "owner": ""}, "owner: must be the owner alone"),
        ({"event": "issues", "action": "opened", "filter": {"action": ["closed"]}}, "not both"),
        ({"event": "push", "filter": {"repository": ["acme"]}}, "'repository' must be a nested filter"),
        ({"event": "push", "filter": {"ref": "main"}}, r"filter.ref must be a list"),
    ],
)
def test_a_trigger_that_could_never_fire_is_refused(
    declared: GitHub, arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises(ConfigurationError, match=text):
        declared.on(**{"owner": "acme", "repo": "site", **arguments})


def test_an_action_newer_than_the_table_can_be_asked_for(declared: GitHub) -> None:
    trigger = declared.on("issues", owner="acme", repo="site", filter={"action": ["teleported"]})
    assert (trigger.metadata().rule.payload or {})["action"] == ["teleported"]


async def test_jobs_on_one_repository_share_a_source(
    app: Perdure, platform: FakePlatform, declared: GitHub
) -> None:
    triggers = [
        declared.issue_opened(owner="acme", repo="site"),
        declared.pushed(owner="Acme", repo="site"),
        declared.issue_opened(owner="acme", repo="shop"),
    ]
    for number, trigger in enumerate(triggers):

        @app.job(id=f"job-{number}", version="0.1.0", on=trigger, integrations=[declared])
        async def job(payload: Any, io: Any) -> None:
            raise AssertionError("only indexed here")

    manifest = await platform.index(app)
    sources = {source["key"]: source for source in manifest["sources"]}
    assert {key: source["options"] for key, source in sources.items()} == {
        "github.repo.acme.site": {"event": ["issues", "push"]},
        "github.repo.acme.shop": {"event": ["issues"]},
    }
    assert sources["github.repo.acme.site"]["params"] == {"owner": "acme", "repo": "site"}
    internal = [job["id"] for job in manifest["jobs"] if job["internal"]]
    assert internal == list(sources)
    shown = manifest["jobs"][0]["event"]
    assert (shown["title"], shown["icon"]) == ("issues opened", "github")
    assert shown["schema"]["title"] == "IssueOpened"


async def test_the_payload_of_a_job_is_typed_by_its_trigger(
    app: Perdure, platform: FakePlatform, declared: GitHub
) -> None:
    seen: list[Any] = []

    @app.job(
        id="job",
        version="0.1.0",
        on=declared.issue_opened(owner="acme", repo="site"),
        integrations=[declared],
    )
    async def job(payload, io):  # type: ignore[no-untyped-def]  # the trigger's own model is used
        seen.append(payload)

    repository = {
        "id": 1,
        "name": "site",
        "full_name": "acme/site",
        "html_url": "https://github.com/acme/site",
    }
    at = "2026-01-01T12:00:00Z"
    issue = {"id": 2, "number": 7, "title": "Broken", "state": "open", "html_url": "https://github.com/x"}
    payload = {
        "action": "opened",
        "issue": {**issue, "created_at": at, "updated_at": at},
        "repository": repository,
        "installation": {"id": 3},
    }
    assert (await platform.execute(app, platform.start("job", payload)))["status"] == "SUCCESS"
    assert isinstance(seen[0], IssueOpened)
    assert seen[0].model_extra == {"installation": {"id": 3}}
    refused = await platform.execute(app, platform.start("job", {**payload, "action": "closed"}))
    assert (refused["status"], refused["errors"][0]["path"]) == ("INVALID_PAYLOAD", ["action"])
