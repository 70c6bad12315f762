"""What is marked as secret is sent in clear, and shown nowhere."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.sql.deliveries.delivering import apply, failure
from tests.sql.operations.performing import Operation, perform
from tests.support.builders import PUBLIC_URL, Builders, task
from tests.support.database import Database
from tests.support.fix_clock import Clock


def redacted(*strings: str, secrets: list[str]) -> dict[str, Any]:
    return {"__redactedString": True, "strings": list(strings), "interpolations": secrets}


PARAMS = {
    "url": redacted("https://api.example/", "?a=1", secrets=["hush-url"]),
    "requestInit": {
        "method": "POST",
        "headers": {"authorization": redacted("Bearer ", "", secrets=["hush-header"]), "x-a": "plain"},
        "body": redacted("", "+", "", secrets=["hush-b", "ody"]),
    },
}


def shown(db: Database, operation: Operation) -> str:
    """Everything that people may see."""
    execution = operation.execution
    run = db.call(
        "get_run", execution.body["environment"]["id"], execution.run_id, subtasks=True, task_details=True
    )
    text = json.dumps(run)
    with db.as_role("perdure_readonly") as reader:
        for (name,) in reader.rows("select viewname from pg_views where schemaname = 'perdure_views'"):
            rows = reader.rows(f"select row_to_json(v)::text as text from perdure_views.{name} as v")
            text += "\n".join(row.text for row in rows)
    return text


def test_secrets_are_sent_in_clear_and_never_shown(db: Database, builders: Builders, clock: Clock) -> None:
    operation = perform(builders, PARAMS)
    claimed = operation.request()
    assert claimed.url == "https://api.example/hush-url?a=1"
    assert claimed.headers["authorization"] == "Bearer hush-header"
    assert bytes(claimed.body) == b"hush-b+ody"
    assert "hush" not in shown(db, operation)
    apply(db, failure(claimed, f"{claimed.url} did not answer"))
    assert "hush" not in shown(db, operation)
    for _ in range(2):
        clock.advance(timedelta(minutes=1))
        apply(db, failure(operation.request(), f"{claimed.url} did not answer"))
    assert operation.outcome == ("ERRORED", {"message": "Fetch failed: no answer (UNREACHABLE)"})
    text = shown(db, operation)
    assert "hush" not in text
    assert '"[REDACTED]"' in text
    assert "plain" in text


def test_the_app_that_is_told_of_a_failed_run_is_not_told_its_secrets(
    db: Database, builders: Builders
) -> None:
    operation = perform(builders, PARAMS)
    operation.answered(status=400)
    options = {"metadata": {"failedSubscription": True}}
    (execution,) = builders.claims()
    reply = {"status": "ERROR", "error": {"message": "no"}, "task": operation.opened}
    execution.apply("REPLY", httpStatus=200, reply=reply, **options)
    request = db.value("select request::text from perdure.deliveries where kind = 'RUN_NOTIFICATION'")
    assert json.loads(request)["task"]["id"] == operation.opened["id"]
    assert "hush" not in request


@pytest.mark.parametrize(
    ("document", "seen"),
    [
        ('{"a": [1, {"__redactedString": true}], "b": []}', '{ "a" : [1, "[REDACTED]"], "b" : [] }'),
        (r'[{"__redactedString": true}, "\u0000\ud800"]', r'["[REDACTED]", "\u0000\ud800"]'),
        (r'{"\u0000": {"__redactedString": 1}}', r'{ "\u0000" : "[REDACTED]" }'),
        ('{"__redactedString": null, "strings": ["s"]}', '"[REDACTED]"'),
        ('"\\"__redactedString\\""', '"\\"__redactedString\\""'),
        ("[1, 2]", "[1, 2]"),
    ],
)
def test_documents_without_their_secrets(pure_db: Database, document: str, seen: str) -> None:
    found = pure_db.value("select perdure._hide_redacted(%s::json)::text", document)
    assert found == seen


@pytest.mark.parametrize(
    ("output", "redact", "seen"),
    [
        (
            '{"user": {"token": "t", "name": "n"}}',
            '{"paths": ["user.token"]}',
            {"user": {"token": "[REDACTED]", "name": "n"}},
        ),
        ('{"users": [{"token": 1}]}', '{"paths": ["users.0.token"]}', {"users": [{"token": "[REDACTED]"}]}),
        ('{"a": 1}', '{"paths": ["b.c"]}', {"a": 1}),
        ('{"a": 1}', '{"paths": ["a", "b"]}', {"a": "[REDACTED]"}),
        ('{"users": [1]}', '{"paths": ["users.token"]}', "[REDACTED]"),
        ('"a text"', '{"paths": ["a"]}', "[REDACTED]"),
        ('{"a": 1e1000000}', '{"paths": ["b"]}', "[REDACTED]"),
        ('{"a": 1}', '{"paths": "a"}', "[REDACTED]"),
        ('{"a": 1}', '{"paths": []}', {"a": 1}),
        ('{"a": 1}', "{}", {"a": 1}),
        ('{"a": 1}', None, {"a": 1}),
        (r'{"a": 1, "b": "\u0000"}', '{"paths": ["a"]}', {"a": "[REDACTED]", "b": "\0"}),
    ],
)
def test_paths_of_an_output(pure_db: Database, output: str, redact: str | None, seen: Any) -> None:
    text = pure_db.value("select perdure._redact(%s::json, %s::json)::text", output, redact)
    assert json.loads(text) == seen


def test_redacted_paths_hide_params_and_errors_too(db: Database, builders: Builders) -> None:
    operation = perform(
        builders,
        {"url": "https://api.example/", "secret": "hush", "retry": {"500": {"strategy": "backoff"}}},
        redact={"paths": ["secret"]},
    )
    operation.answered({"message": "no", "secret": "hush"}, status=500)
    assert operation.row.attempt_count == 2
    assert "hush" not in shown(db, operation)


def test_the_secret_in_the_url_of_a_callback_is_not_shown(db: Database, builders: Builders) -> None:
    db.call("set_setting", "public_url", PUBLIC_URL)
    claim = builders.claim()
    (opened,) = claim.stored(task("approval", callback={"enabled": True}))
    url = opened["callbackUrl"]
    properties = [{"label": "Callback URL", "text": url}]  # as waitForRequest of the v2 SDK has it
    claim.reply("RESUME_WITH_TASK", task={"id": opened["id"], "outputProperties": properties})
    text = shown(db, Operation(db, claim, opened))
    assert url.rpartition("/")[0] in text
    assert url.rpartition("/")[2] not in text


def test_an_output_with_redacted_paths_is_whole_for_the_run_only(db: Database, builders: Builders) -> None:
    operation = perform(
        builders, {"url": "https://api.example/"}, kind="fetch-poll", redact={"paths": ["token"]}
    )
    operation.answered({"token": "hush", "name": "n"})
    assert "hush" not in shown(db, operation)
    (again,) = builders.claims()
    outputs = [task["output"] for task in again.body["tasks"] if task["id"] == operation.opened["id"]]
    assert outputs == [{"token": "hush", "name": "n"}]
