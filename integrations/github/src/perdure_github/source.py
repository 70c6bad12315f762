"""The external source behind the triggers of a repository: one webhook, whatever the number of jobs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from pydantic import JsonValue

from perdure.integrations import DeliverAnswer, RegisterSource, SourceRequest, SourceResponse
from perdure.triggers import ExternalSource
from perdure.wire.events import RawEvent
from perdure.wire.sources import UpdateSource
from perdure_github.signature import HEADER, is_genuine
from perdure_github.webhook import WantedWebhook, register_webhook

if TYPE_CHECKING:
    from perdure.dependencies import Context
    from perdure.io import IO
    from perdure_github.integration import GitHub

EVENT_SOURCE = "github.com"
"""The source of every event from GitHub."""

_FORM = "application/x-www-form-urlencoded"


class RepositorySource(ExternalSource):
    """The webhook of one repository.

    Jobs on the same repository share it: it asks GitHub for all their events. Names of repositories do not
    distinguish case at GitHub, and so neither does its key.

    Args:
        events: names of events of GitHub's.
    """

    def __init__(self, github: GitHub, *, owner: str, repo: str, events: Sequence[str]) -> None:
        owner, repo = owner.lower(), repo.lower()
        super().__init__(
            github,
            # Also the id of the registration job, which has no slash; an owner's name has no full stop.
            key=f"{github.name}.repo.{owner}.{repo}",
            params={"owner": owner, "repo": repo},
            options={"event": events},
        )
        self._github = github

    async def register(self, registration: RegisterSource, io: IO, ctx: Context) -> UpdateSource:
        """Create the webhook at GitHub, or change it: the job needs a token that may administer webhooks."""
        wanted = WantedWebhook(
            owner=self.params["owner"],
            repo=self.params["repo"],
            url=registration.source.channel.url,
            secret=registration.source.secret,
            events=_events(registration),
            known_id=_known_id(registration.source.data),
        )
        webhook = await register_webhook(self._github.of(io), wanted)
        return UpdateSource(key=self.key, data={"webhookId": webhook.id}, options={"event": wanted.events})

    async def handle(self, request: SourceRequest) -> DeliverAnswer:
        """Check the signature and make an event of the delivery, under its delivery id.

        Answers 401 to a delivery that is not signed rightly, 400 to one that cannot be read, and a ping
        itself.
        """
        if not is_genuine(request.secret, request.body, request.header(HEADER)):
            return _refuse(
                401, f"{HEADER} is missing or wrong: the webhook's secret is not that of this source"
            )
        name, delivery = request.header("x-github-event"), request.header("x-github-delivery")
        if not name or not delivery:
            return _refuse(400, "x-github-event or x-github-delivery is missing: not a delivery of GitHub's")
        if name == "ping":
            return DeliverAnswer(response=SourceResponse(body={"ok": True, "event": "ping"}))
        try:
            payload = _payload(request)
        except ValueError as error:
            return _refuse(400, f"the body is not a delivery's JSON object: {error}")
        event = RawEvent(
            id=delivery,
            name=name,
            source=EVENT_SOURCE,
            payload=payload,
            context={"headers": _headers(request)},
        )
        return DeliverAnswer(events=[event])


def _events(registration: RegisterSource) -> list[str]:
    """What GitHub shall send: what jobs ask for now, registered before or not."""
    change = registration.options["event"]
    return sorted({*change.desired, *change.missing} - {*change.orphaned})


def _known_id(data: JsonValue) -> int | None:
    """The webhook's id that the last registration stored."""
    known = data.get("webhookId") if isinstance(data, dict) else None
    return known if isinstance(known, int) else None


def _payload(request: SourceRequest) -> dict[str, Any]:
    """The delivery, also of a webhook that someone switched to form encoding at GitHub."""
    text: bytes | str = request.body
    if (request.header("content-type") or "").startswith(_FORM):
        text = parse_qs(request.body.decode()).get("payload", [""])[0]
    payload = json.loads(text)
    if not isinstance(payload, dict):
        raise ValueError(f"it holds a {type(payload).__name__}")
    return payload


def _headers(request: SourceRequest) -> dict[str, Any]:
    """GitHub's own headers, for filters and for people; signatures are left out."""
    return {name: value for name, value in request.headers.items() if name.startswith("x-github-")}


def _refuse(status: int, reason: str) -> DeliverAnswer:
    return DeliverAnswer(response=SourceResponse(status=status, body={"message": reason}))
