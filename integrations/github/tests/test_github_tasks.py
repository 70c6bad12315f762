"""Each task: what GitHub gets, what the job gets, now and from what is stored."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from perdure import IO, ConfigurationError, Perdure
from perdure_github import Comment, GitHub, Issue, IssuePage
from perdure_github.tasks import Client
from tests.support.fakes.github import BOT_TOKEN, FakeGitHub, Repository
from tests.support.fakes.platform import FakePlatform
from tests.support.job_runner import JobRunner

ISSUE: Any = {"owner": "acme", "repo": "site", "number": 1}


async def test_get_issue(runner: JobRunner, fake: FakeGitHub, site: Repository) -> None:
    reply = await runner.execute(lambda io: io.github.get_issue("get issue", **ISSUE))
    assert reply["status"] == "SUCCESS"
    (issue,) = runner.results
    assert isinstance(issue, Issue)
    assert (issue.title, issue.state, issue.html_url) == (
        "Broken link",
        "open",
        "https://github.com/acme/site/issues/1",
    )
    assert issue.updated_at == site.issues[1].updated_at
    task = runner.run.task("get issue")
    assert (task["name"], task["icon"], task["connectionKey"]) == ("Get issue", "github", "github")
    assert task["params"] == ISSUE
    assert task["properties"] == [
        {"label": "Repository", "text": "acme/site"},
        {"label": "Issue", "text": "#1"},
    ]


async def test_create_comment(runner: JobRunner, fake: FakeGitHub, site: Repository) -> None:
    call = {**ISSUE, "body": "Still open."}
    await runner.execute(lambda io: io.github.create_comment("comment", **call))
    (comment,) = runner.results
    assert isinstance(comment, Comment)
    assert comment.user is not None
    assert (comment.body, comment.user.login) == ("Still open.", "perdure-bot")
    assert [entry.body for entry in site.issues[1].comments] == ["Still open."]
    assert runner.run.task("comment")["name"] == "Create issue comment"


async def test_add_assignees(runner: JobRunner, fake: FakeGitHub, site: Repository) -> None:
    call = {**ISSUE, "assignees": ("matt", "nobody")}
    await runner.execute(lambda io: io.github.add_assignees("assign", **call))
    (issue,) = runner.results
    assert [user.login for user in issue.assignees] == ["matt"]
    assert site.issues[1].assignees == ["matt"]
    assert {"label": "Assignees", "text": "matt, nobody"} in runner.run.task("assign")["properties"]


async def test_an_issue_is_opened_changed_closed_and_opened_again(
    runner: JobRunner, github: GitHub, site: Repository
) -> None:
    async def write(io: IO) -> list[tuple[str, str | None]]:
        tasks = github.of(io)
        place: Any = {"owner": "acme", "repo": "site"}
        created = await tasks.create_issue("open", **place, title="Slow", labels=["bug"], assignees=["matt"])
        number = created.number
        changed = await tasks.update_issue("change", **place, number=number, title="Very slow")
        assert (changed.title, changed.labels, changed.assignees) == (
            "Very slow",
            created.labels,
            created.assignees,
        )
        closed = await tasks.close_issue("close", **place, number=number, reason="not_planned")
        reopened = await tasks.reopen_issue("reopen", **place, number=number)
        return [(closed.state, closed.state_reason), (reopened.state, reopened.state_reason)]

    assert (await runner.execute(write))["status"] == "SUCCESS"
    assert runner.results == [[("closed", "not_planned"), ("open", "reopened")]]
    assert (site.issues[2].title, site.issues[2].labels) == ("Very slow", ["bug"])
    assert runner.run.task("change")["params"] == {
        "owner": "acme",
        "repo": "site",
        "number": 2,
        "title": "Very slow",
    }


async def test_labels_and_assignees_come_and_go(runner: JobRunner, github: GitHub, site: Repository) -> None:
    async def write(io: IO) -> list[str]:
        tasks = github.of(io)
        labels = await tasks.add_labels("label", **ISSUE, labels=["bug", "urgent"])
        await tasks.add_assignees("assign", **ISSUE, assignees=["matt", "mona"])
        await tasks.remove_label("not urgent", **ISSUE, label="urgent")
        await tasks.remove_label("not urgent again", **ISSUE, label="urgent")
        issue = await tasks.remove_assignees("free matt", **ISSUE, assignees=["matt"])
        return [*(label.name for label in labels), *(user.login for user in issue.assignees)]

    assert (await runner.execute(write))["status"] == "SUCCESS"
    assert runner.results == [["bug", "urgent", "mona"]]
    assert site.issues[1].labels == ["bug"]


async def test_lists_come_in_pages(
    runner: JobRunner, fake: FakeGitHub, github: GitHub, site: Repository
) -> None:
    for number in range(4):
        fake.open_issue(site, f"Bug {number}").labels.append("bug")

    async def list_all(io: IO) -> list[str]:
        titles: list[str] = []
        page: int | None = 1
        while page is not None:
            found: IssuePage = await github.of(io).list_issues(
                ["list", page], owner="acme", repo="site", labels=["bug"], page=page, per_page=3
            )
            titles += [issue.title for issue in found.items]
            page = found.next_page
        return titles

    await runner.execute(list_all)
    assert runner.results == [["Bug 3", "Bug 2", "Bug 1", "Bug 0"]]
    assert len(fake.calls) == 2
    assert {"label": "Labels", "text": "bug"} in runner.run.task("list:2")["properties"]


async def test_comments_and_the_repository_are_read(
    runner: JobRunner, fake: FakeGitHub, github: GitHub, site: Repository
) -> None:
    fake.comment(site, site.issues[1], "Me too")

    async def read(io: IO) -> list[str | None]:
        comments = await github.of(io).list_comments("comments", **ISSUE)
        assert comments.next_page is None
        repository = await github.of(io).get_repository("repository", owner="acme", repo="site")
        return [repository.full_name, *(comment.body for comment in comments.items)]

    await runner.execute(read)
    assert runner.results == [["acme/site", "Me too"]]


async def test_a_finished_task_answers_from_what_is_stored(
    runner: JobRunner, fake: FakeGitHub, site: Repository
) -> None:
    await runner.execute(lambda io: io.github.get_issue("get issue", **ISSUE))
    fake.comment(site, site.issues[1], "Me too")
    await runner.execute()
    assert len(fake.calls) == 1
    assert runner.results[0] == runner.results[1]
    assert isinstance(runner.results[1], Issue)


async def test_a_stored_issue_is_small(runner: JobRunner, site: Repository) -> None:
    await runner.execute(lambda io: io.github.get_issue("get issue", **ISSUE))
    assert set(runner.run.task("get issue")["output"]) == set(Issue.model_fields)


async def test_a_call_is_authorised_and_says_who_calls(
    runner: JobRunner, fake: FakeGitHub, site: Repository
) -> None:
    await runner.execute(lambda io: io.github.get_issue("get issue", **ISSUE))
    (call,) = fake.calls
    assert call.headers["authorization"] == f"token {BOT_TOKEN}"
    assert call.headers["user-agent"].startswith("perdure-github/")
    assert call.headers["accept"] == "application/vnd.github+json"
    assert "x-github-api-version" in call.headers


async def test_any_other_call_is_a_task_too(runner: JobRunner, fake: FakeGitHub, site: Repository) -> None:
    fake.comment(site, site.issues[1], "Me too")

    async def list_comments(client: Client) -> list[Comment]:
        answer = await client.rest.issues.async_list_comments("acme", "site", 1)
        return TypeAdapter(list[Comment]).validate_json(answer.content)

    for _ in range(2):
        await runner.execute(lambda io: io.github.with_client("comments", list_comments))
    assert len(fake.calls) == 1
    assert all(isinstance(result[0], Comment) for result in runner.results)
    assert runner.run.task("comments")["name"] == "List comments"


async def test_of_gives_the_tasks_with_their_types(
    runner: JobRunner, github: GitHub, site: Repository
) -> None:
    async def read(io: IO) -> str:
        issue = await github.of(io).get_issue("get issue", owner="acme", repo="site", number=1)
        return issue.title

    await runner.execute(read)
    assert runner.results == ["Broken link"]


async def test_the_token_may_come_from_the_environment(
    app: Perdure, platform: FakePlatform, fake: FakeGitHub, site: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    runner = JobRunner(app, platform, GitHub("github", base_url=fake.url))
    reply = await runner.execute(lambda io: io.github.get_issue("get issue", **ISSUE))
    assert reply["status"] == "ERROR"
    assert "give GitHub(..., token=...) or set GITHUB_TOKEN" in reply["error"]["message"]
    monkeypatch.setenv("GITHUB_TOKEN", BOT_TOKEN)
    runner.run = platform.start("job", {})
    reply = await runner.execute()
    assert reply["status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"name": "git-hub", "token": "t"}, "must be a Python identifier"),
        ({"name": "github", "token": ""}, "token is empty"),
    ],
)
def test_a_wrong_declaration_is_named(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        GitHub(**arguments)


def test_the_token_is_not_shown(github: GitHub) -> None:
    assert BOT_TOKEN not in repr(github)
    assert BOT_TOKEN not in github.config().model_dump_json()
    assert github.config().auth_source == "LOCAL"
