"""Testing a job by hand: a form made from the schema of its payload, and the payload as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import Response

from perdure_engine import jobs
from perdure_engine.jobs import Job
from perdure_server.dashboard import payload_form
from perdure_server.dashboard.access import ENVIRONMENT, Needs, Page, Visit
from perdure_server.dashboard.documents import MalformedJson, checked_json
from perdure_server.dashboard.payload_schema import ROOT, Node, json_text, payload_problems, read_schema
from perdure_server.dashboard.rendering import render
from perdure_server.params import path_text

_FORM_LIMIT = 4 * 1024 * 1024
_LONGEST_ACCOUNT = 1000  # bytes
_IN_SHORT = 40
_HTTP_REQUEST = {"url": "https://example.com/", "method": "POST", "headers": {}, "rawBody": "{}"}


@dataclass(frozen=True, slots=True)
class Example:
    """A payload to begin with."""

    key: str
    """What names it in the query."""
    name: str
    payload: Any


@dataclass(slots=True)
class Draft:
    """A test as it is filled in."""

    fields: dict[str, str]
    """Of the form that the schema makes."""
    text: str
    """The payload as JSON: it counts, when there is any."""
    context: str = ""
    account: str = ""
    problems: dict[str, str] = field(default_factory=dict)
    """What is wrong, by names of fields; ``json``, ``context``, ``account`` beside those of the payload."""


async def show_test(visit: Visit) -> Response:
    """The form, filled with an example or with what a run was started with."""
    job, spec = await _job(visit)
    node = _node(spec)
    examples = _examples(job, spec)
    recent = await _recent(visit, job)
    chosen = _chosen(visit.query, examples, recent)
    return _render(visit, job, node, _draft(node, chosen.payload if chosen else {}), examples, recent, chosen)


async def send_test(visit: Visit) -> Response:
    """Run the job with what is filled in; or show it again, in the other form, or with another row."""
    job, spec = await _job(visit)
    node = _node(spec)
    draft = Draft(
        fields={
            name: text
            for name, text in visit.form.items()
            if name == ROOT or name.startswith((f"{ROOT}/", f"{ROOT}#"))
        },
        text=visit.form.get("json", "").replace("\r\n", "\n"),
        context=visit.form.get("context", ""),
        account=visit.form.get("account", "").strip(),
    )
    if node and _is_drawn_again(visit.form):
        _draw_again(node, draft, visit.form)
        return _render(visit, job, node, draft, _examples(job, spec), await _recent(visit, job), None)

    payload, document = _payload(node, draft)
    context = _context(draft)
    if not draft.problems and "anyway" not in visit.form:
        draft.problems = payload_problems(spec.get("schema"), payload)
    if draft.problems:
        if node and draft.text.strip() and "json" not in draft.problems:
            draft.fields = payload_form.to_fields(node, payload)
        examples, recent = _examples(job, spec), await _recent(visit, job)
        return _render(visit, job, node, draft, examples, recent, None, status=400)

    async with visit.changing("job.test", job.slug) as change:
        run = json.loads(
            await jobs.test_job(
                change.conn,
                visit.environment.id,
                job.slug,
                document,
                context,
                draft.account or None,
            )
        )
        change.after = {"run": run["id"]}
    return visit.redirect(visit.here(f"/runs/{run['id']}"), notice="The test has started.")


async def _job(visit: Visit) -> tuple[Job, dict[str, Any]]:
    async with visit.connection() as conn:
        job = await jobs.get_job(conn, visit.environment.id, path_text(visit.request, "slug"))
    if job.is_internal:
        raise HTTPException(404)
    return job, json.loads(job.event_spec)


async def _recent(visit: Visit, job: Job) -> list[Example]:
    async with visit.connection() as conn:
        found = await jobs.list_job_payloads(conn, visit.environment.id, job.slug)
    distinct = {row.payload: row for row in reversed(found)}  # the newest of each
    return [
        Example(row.run_id, _in_short(row.payload), json.loads(row.payload))
        for row in reversed(distinct.values())
    ]


def _in_short(payload: bytes) -> str:
    """The beginning of a payload, for people."""
    text = json_text(json.loads(payload))
    return text if len(text) <= _IN_SHORT else f"{text[:_IN_SHORT]}…"


def _node(spec: Mapping[str, Any]) -> Node | None:
    return read_schema(spec["schema"]) if spec.get("schema") else None


def _examples(job: Job, spec: Mapping[str, Any]) -> list[Example]:
    """Those of the app, or one that fits the trigger."""
    given = spec.get("examples")
    found = [
        Example(str(example.get("id")), str(example.get("name")), _dated(example.get("payload")))
        for example in (given if isinstance(given, list) else [])
        if isinstance(example, dict)
    ]
    if found:
        return found
    trigger = json.loads(job.trigger)
    name = str(spec.get("name"))
    if trigger.get("type") == "scheduled" or name == "trigger.scheduled":
        return [Example("tick", "A tick, now", {"ts": _now(), "lastTimestamp": _now()})]
    if name.startswith("httpendpoint."):
        return [Example("request", "A request", _HTTP_REQUEST)]
    return []


def _dated(payload: Any) -> Any:
    """An example of the v2 SDK may ask for the present time."""
    text = json_text(payload)
    for marker, value in (
        ("__CURRENT_DATE__", _now()),
        ("__CURRENT_TIMESTAMP_MS__", str(time.time_ns() // 1_000_000)),
        ("__CURRENT_TIMESTAMP_S__", str(time.time_ns() // 1_000_000_000)),
    ):
        text = text.replace(marker, value)
    return json.loads(text)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _chosen(query: Mapping[str, str], examples: list[Example], recent: list[Example]) -> Example | None:
    """What the query names; else the first example."""
    wanted = query.get("example")
    for found in (*examples, *recent):
        if found.key == wanted:
            return found
    return examples[0] if examples else None


def _draft(node: Node | None, payload: Any) -> Draft:
    """A draft that means a payload: in the form, and as JSON where that shows more."""
    if node is None:
        return Draft({}, json_text(payload, indent=2))
    fields = payload_form.to_fields(node, payload)
    shown, _ = payload_form.to_payload(node, fields)
    return Draft(fields, "" if shown == payload or not payload else json_text(payload, indent=2))


def _is_drawn_again(form: Mapping[str, str]) -> bool:
    return not form.keys().isdisjoint({"show", "add", "remove"})


def _draw_again(node: Node, draft: Draft, form: Mapping[str, str]) -> None:
    """Bring the two forms of the payload together: ``show`` says which is to follow the other."""
    old = _loaded(draft.text)
    if form.get("show") == "fields":
        try:
            draft.fields = payload_form.to_fields(node, json.loads(checked_json(draft.text)))
        except MalformedJson as error:
            draft.problems["json"] = str(error)
        return
    if "add" in form:
        draft.fields = payload_form.add_row(draft.fields, form["add"])
    if "remove" in form:
        draft.fields = payload_form.remove_row(draft.fields, form["remove"])
    if form.get("show") == "json":
        payload, draft.problems = payload_form.to_payload(node, draft.fields)
        whole = payload_form.keep_unknown(node, payload, old)
        # As long as a field cannot be read, the form counts, so that this is told.
        draft.text = "" if draft.problems else json_text(whole, indent=2)


def _payload(node: Node | None, draft: Draft) -> tuple[Any, bytes]:
    """What is to be sent, and as it is sent; problems are written into the draft."""
    if draft.text.strip() or node is None:
        try:
            document = checked_json(draft.text)  # as it is written: a number stays as long as it is
        except MalformedJson as error:
            draft.problems["json"] = str(error)
            return None, b""
        return json.loads(document), document
    payload, draft.problems = payload_form.to_payload(node, draft.fields)
    return payload, json_text(payload).encode()


def _context(draft: Draft) -> bytes:
    if len(draft.account.encode()) > _LONGEST_ACCOUNT:
        draft.problems["account"] = f"Use at most {_LONGEST_ACCOUNT} bytes."
    if not draft.context.strip():
        return b"{}"
    try:
        return checked_json(draft.context)
    except MalformedJson as error:
        draft.problems["context"] = str(error)
        return b"{}"


def _loaded(text: str) -> Any:
    try:
        return json.loads(checked_json(text))
    except MalformedJson:
        return None


def _render(
    visit: Visit,
    job: Job,
    node: Node | None,
    draft: Draft,
    examples: list[Example],
    recent: list[Example],
    chosen: Example | None,
    *,
    status: int = 200,
) -> Response:
    places = payload_form.to_page(node, draft.fields, draft.problems) if node else None
    shown = payload_form.names_of(places) if places else set()
    if node and len(shown) > payload_form.MOST_PLACES:
        draft.text = draft.text or json_text(payload_form.to_payload(node, draft.fields)[0], indent=2)
        places, shown = None, set()
    return render(
        visit,
        "job_test.html",
        status=status,
        here=visit.here(f"/jobs/{quote(job.slug, safe='')}"),
        job=job,
        draft=draft,
        places=places,
        examples=examples,
        recent=recent,
        chosen=chosen,
        # What is wrong where no field is to say so.
        others=[
            f"{_place(name)} {text}"
            for name, text in draft.problems.items()
            if name not in shown and name not in ("json", "context", "account")
        ],
        refused=status == 400 and not draft.problems.keys() & {"json", "context", "account"},
    )


def _place(name: str) -> str:
    """Where in the payload, for people: ``lines.0.sku``."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in name.split("/")[1:]]
    return ".".join(steps) or "The payload"


PAGES = (
    Page(f"{ENVIRONMENT}/jobs/{{slug}}/test", show_test, Needs.MEMBER),
    Page(f"{ENVIRONMENT}/jobs/{{slug}}/test", send_test, Needs.MEMBER, "POST", form_limit=_FORM_LIMIT),
)
