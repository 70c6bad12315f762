"""The commands that use the HTTP API: endpoints, trigger, runs."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from perdure import Perdure
from perdure_server.cli import runs
from perdure_server.cli.dev_files import DevFiles
from tests.support.builders import Builders, Environment, Run, job, task
from tests.support.database import Database
from tests.support.fix_endpoint import Answer, ScriptedEndpoint
from tests.support.http_server import serve

from .conftest import Command


def test_register_asks_the_app_for_its_id_and_reads_its_jobs(connected: Command, shop: str) -> None:
    result = connected.ok("endpoints", "register", shop, "--timeout-ms", "2500")
    assert result.data == f"shop  {shop}\n"
    assert "shop: 1 job\n" in result.words
    (listed,) = connected.ok("endpoints", "list", "--json").json
    assert (listed["slug"], listed["url"], listed["timeoutMs"]) == ("shop", shop, 2500)
    titles, row = connected.ok("endpoints", "list").lines()
    assert titles.split() == ["id", "url", "timeout", "ms", "last", "index"]
    assert row.split() == ["shop", shop, "2500", "SUCCESS"]


def test_register_follows_an_app_that_is_mounted_behind_a_slash(
    connected: Command, environment: Environment
) -> None:
    inner = Perdure("mounted", api_url="http://127.0.0.1:9", api_key=environment.key).asgi()
    with serve(Starlette(routes=[Mount("/api/perdure", inner)])) as url:
        result = connected.ok("endpoints", "register", f"{url}/api/perdure", "--json").json
    assert (result["slug"], result["url"]) == ("mounted", f"{url}/api/perdure/")


def test_index_reads_the_jobs_again(connected: Command, shop: str) -> None:
    connected.ok("endpoints", "register", shop)
    assert connected.ok("endpoints", "index", "shop", "--json").json["stats"]["jobs"] == 1
    assert "JQ001" in connected.refused("endpoints", "index", "elsewhere")


def test_register_says_why_the_app_cannot_be_used(
    connected: Command, scripted_endpoint: ScriptedEndpoint
) -> None:
    scripted_endpoint.default("VALIDATE", Answer.html("<html>login</html>"))
    words = connected.refused("endpoints", "register", scripted_endpoint.url)
    assert "answered text/html instead of JSON" in words
    words = connected.refused("endpoints", "register", "http://127.0.0.1:1/api/trigger")
    assert "Is the app running, and can the Perdure server reach this URL?" in words


def test_register_fails_when_the_jobs_cannot_be_read(
    connected: Command, scripted_endpoint: ScriptedEndpoint
) -> None:
    scripted_endpoint.default("PING", Answer.json({"ok": True}))
    scripted_endpoint.default("INDEX_ENDPOINT", Answer.json({"jobs": "none"}))
    words = connected("endpoints", "register", scripted_endpoint.url, "--id", "app").words
    assert "its jobs could not be read" in words


def test_trigger_prints_the_runs_that_it_started(
    connected: Command, builders: Builders, environment: Environment, db: Database
) -> None:
    builders.endpoint(environment=environment)
    result = connected.ok("trigger", "greet", "--payload", '{"n": 1}', "--id", "first")
    (run_id,) = result.lines()
    assert f"perdure runs watch {run_id}" in result.words
    assert db.value("select payload from perdure_views.events where event_id = 'first'") == {"n": 1}
    assert connected.ok("trigger", "greet", "--id", "first").lines() == [run_id]  # the same event, no new run


def test_trigger_takes_the_payload_from_a_file_or_from_stdin(
    connected: Command, db: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "payload.json"
    file.write_text('{"from": "file"}')
    assert "no job wants it" in connected.ok("trigger", "greet", "--payload", f"@{file}").words
    monkeypatch.setattr("sys.stdin", io.StringIO('{"from": "stdin"}'))
    sent = connected.ok("trigger", "greet", "--payload", "-", "--json").json
    assert (sent["payload"], sent["runs"]) == ({"from": "stdin"}, [])
    stored = db.rows("select payload from perdure_views.events order by id")
    assert [row.payload["from"] for row in stored] == ["file", "stdin"]


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [("{n: 1}", "--payload: what was given is not JSON"), ("@missing.json", "cannot read missing.json")],
)
def test_trigger_refuses_what_is_no_payload(connected: Command, payload: str, complaint: str) -> None:
    assert complaint in connected.refused("trigger", "greet", "--payload", payload)


def test_trigger_can_deliver_later(connected: Command, builders: Builders, environment: Environment) -> None:
    builders.endpoint(environment=environment)
    result = connected.ok("trigger", "greet", "--deliver-after-s", "60")
    assert result.data == ""
    assert "will be delivered at" in result.words


@pytest.fixture
def waiting_run(builders: Builders, environment: Environment) -> Run:
    """A run that has done a task with another inside, and waits."""
    run = builders.run(builders.endpoint(job("greet"), environment=environment))
    claim = builders.claim(run)
    outer, inner = task("outer"), task("inner", status="COMPLETED", output={"n": 1})
    inner["parentKey"] = outer["idempotencyKey"]
    claim.store({**outer, "status": "RUNNING"}, inner)
    claim.store({**outer, "status": "COMPLETED", "output": "done"})
    wait = task("a day", name="wait", noop=True, delaySeconds=86400)
    assert claim.reply("RESUME_WITH_TASK", task=wait) == "WAITING_TO_CONTINUE"
    return run


def test_runs_list_filters_by_status_and_job(connected: Command, waiting_run: Run) -> None:
    titles, row = connected.ok("runs", "list").lines()
    assert titles.split() == ["run", "status", "job", "started", "took", "event"]
    assert row.split()[:4] == [waiting_run.id, "WAITING_TO_CONTINUE", "greet", "1.0.0"]
    assert row.split()[-1] == "greet"
    assert connected.ok("runs", "list", "--status", "success").data == ""
    assert connected.ok("runs", "list", "--job", "other", "--json").json["runs"] == []
    assert connected("runs", "list", "--status", "asleep").status == 2


def test_runs_list_finds_runs_by_all_of_the_tags(
    connected: Command, builders: Builders, waiting_run: Run
) -> None:
    tags = {"addTags": ["vip", "a&b"]}
    builders.db.call("set_run_metadata", waiting_run.environment.id, waiting_run.id, tags)
    _, row = connected.ok("runs", "list", "--tag", "vip", "--tag", "a&b").lines()
    assert row.startswith(waiting_run.id)
    assert connected.ok("runs", "list", "--tag", "vip", "--tag", "other").data == ""
    (listed,) = connected.ok("runs", "list", "--tag", "vip", "--json").json["runs"]
    assert listed["tags"] == ["a&b", "vip"]


def test_runs_list_goes_on_where_the_page_before_ended(
    connected: Command, builders: Builders, environment: Environment
) -> None:
    endpoint = builders.endpoint(environment=environment)
    older, newer = builders.runs(2, endpoint)
    first = connected.ok("runs", "list", "--take", "1")
    assert first.lines()[1].startswith(newer.id)
    cursor = first.words.split("--cursor ")[1].strip()
    assert connected.ok("runs", "list", "--cursor", cursor).lines()[1].startswith(older.id)


def test_runs_get_draws_the_tree_of_tasks(connected: Command, waiting_run: Run) -> None:
    title, *tasks = connected.ok("runs", "get", waiting_run.id).lines()
    assert title.startswith(f"WAITING_TO_CONTINUE run {waiting_run.id}")
    assert [line.split("  ")[0] for line in tasks] == ["├─ ✓ outer", "│", "└─ ◷ a day"]
    assert tasks[1].startswith("│  └─ ✓ inner  COMPLETED")


def test_runs_get_with_a_database_tells_waits_and_executions(
    connected: Command, waiting_run: Run, db: Database
) -> None:
    shown = connected.ok("runs", "get", waiting_run.id, "--database-url", db.url)
    assert "waits until" in shown.data
    assert shown.lines()[-1].split()[:2] == ["1", "RESUME_WITH_TASK"]
    run = connected.ok("runs", "get", waiting_run.id, "--database-url", db.url, "--json").json
    assert [entry["reply_status"] for entry in run["executions"]] == ["RESUME_WITH_TASK"]
    assert run["tasks"][0]["output"] == "done"
    assert "executions" not in connected.ok("runs", "get", waiting_run.id, "--json").json


def test_runs_get_reads_every_page_of_tasks(
    connected: Command, builders: Builders, environment: Environment
) -> None:
    run = builders.run(builders.endpoint(environment=environment))
    keys = [f"task {number}" for number in range(120)]
    builders.claim(run).store(*(task(key, status="COMPLETED") for key in keys))
    shown = connected.ok("runs", "get", run.id, "--json").json
    assert [entry["displayKey"] for entry in shown["tasks"]] == keys


def test_runs_watch_tells_what_happened_and_ends_with_the_run(
    connected: Command, builders: Builders, environment: Environment
) -> None:
    run = builders.run(builders.endpoint(environment=environment))
    claim = builders.claim(run)
    claim.store(task("only", status="COMPLETED"))
    assert claim.reply("SUCCESS", output="bye") == "SUCCESS"
    followed = connected.ok("runs", "watch", run.id)
    told = [line.split("  ", 1)[1] for line in followed.words.splitlines()]
    assert told == ["task 'only' COMPLETED", 'run SUCCESS, output "bye"']
    assert followed.lines()[-1] == 'output "bye"'


def test_runs_cancel_cancels_once_and_refuses_what_has_ended(
    connected: Command, builders: Builders, environment: Environment, waiting_run: Run
) -> None:
    assert "is CANCELED" in connected.ok("runs", "cancel", waiting_run.id).words
    assert connected.ok("runs", "cancel", waiting_run.id, "--json").json["status"] == "CANCELED"
    done = builders.run(builders.endpoint(environment=environment))
    builders.claim(done).reply("SUCCESS")
    assert "JQ003" in connected.refused("runs", "cancel", done.id)
    assert "JQ001" in connected.refused("runs", "cancel", "01900000-0000-7000-8000-000000000000")


def test_ctrl_c_ends_the_watching_and_not_the_run(
    connected: Command, waiting_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "follow_run", press)
    result = connected("runs", "watch", waiting_run.id)
    assert result.status == 1
    assert f"The run goes on. To watch it: perdure runs watch {waiting_run.id}" in result.words


def test_runs_rerun_prints_the_new_run(connected: Command, waiting_run: Run) -> None:
    result = connected.ok("runs", "rerun", waiting_run.id)
    (new_id,) = result.lines()
    assert new_id != waiting_run.id
    assert f"perdure runs watch {new_id}" in result.words
    assert connected.ok("runs", "rerun", new_id, "--json").json["status"] == "QUEUED"
    assert "JQ001" in connected.refused("runs", "rerun", "01900000-0000-7000-8000-000000000000")


def test_runs_continue_takes_up_what_has_ended_without_success(connected: Command, waiting_run: Run) -> None:
    assert "JQ002" in connected.refused("runs", "continue", waiting_run.id)
    connected.ok("runs", "cancel", waiting_run.id)
    assert f"{waiting_run.id} is QUEUED" in connected.ok("runs", "continue", waiting_run.id).words
    connected.ok("runs", "cancel", waiting_run.id)
    assert connected.ok("runs", "continue", waiting_run.id, "--json").json["status"] == "QUEUED"


def test_a_server_that_does_not_answer_is_named(perdure: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_API_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("PERDURE_API_KEY", "tr_dev_0000000000000000")
    words = perdure.refused("runs", "list")
    assert "http://127.0.0.1:1" in words
    assert "perdure serve" in words


def test_something_else_than_a_server_is_recognised(
    perdure: Command, scripted_endpoint: ScriptedEndpoint
) -> None:
    scripted_endpoint.default("", Answer.html())
    words = perdure.refused("runs", "list", "--api-url", scripted_endpoint.url, "--api-key", "tr_dev_x")
    assert "PERDURE_API_URL" in words


def test_a_wrong_key_is_explained(connected: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_API_KEY", "tr_dev_0000000000000000")
    assert "KEY_UNKNOWN" in connected.refused("runs", "list")


def test_without_a_key_the_one_of_perdure_dev_is_used(
    connected: Command, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = os.environ["PERDURE_API_URL"]
    monkeypatch.delenv("PERDURE_API_URL")
    monkeypatch.delenv("PERDURE_API_KEY")
    assert "PERDURE_API_KEY" in connected.refused("runs", "list")
    files = DevFiles(Path(".perdure"))
    files.write_url(url)
    files.key_file.write_text(environment.key)
    assert json.loads(connected.ok("runs", "list", "--json").data) == {"runs": []}
    # for another server than that one, no key is guessed
    assert "PERDURE_API_KEY" in connected.refused("runs", "list", "--api-url", url)
