"""The webhook of a repository at GitHub: created once, changed when its events or address change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel

from perdure import IO
from perdure_github.tasks import Client, GitHubTasks

if TYPE_CHECKING:
    from githubkit_schemas.latest.types import ReposOwnerRepoHooksPostBodyPropConfigType, WebhookConfigType

_PAGE = 100


@dataclass(frozen=True)
class WantedWebhook:
    """What the webhook shall be. ``known_id`` is its id at GitHub if it was registered before."""

    owner: str
    repo: str
    url: str
    secret: str
    events: list[str]
    known_id: int | None = None


class RegisteredWebhook(BaseModel):
    """The webhook as it is at GitHub now."""

    id: int
    created: bool


async def register_webhook(tasks: GitHubTasks[IO], wanted: WantedWebhook) -> RegisteredWebhook:
    """Make GitHub's webhook as wanted, as one task.

    The task looks for the webhook before it creates one. So when the answer to a creation was lost, its
    next try finds what the last one made.

    Raises:
        TaskFailed: GitHub refused. The token needs the right to administer the repository's webhooks.
    """

    async def register_once(client: Client) -> RegisteredWebhook:
        from githubkit.exception import RequestFailed  # loaded when needed: see GitHub.connect

        found = await _find(client, wanted)
        if found is None:
            try:
                return RegisteredWebhook(id=await _create(client, wanted), created=True)
            except RequestFailed as error:
                if error.response.status_code != 422:
                    raise
                found = await _find(client, wanted)  # made meanwhile, by another registration
                if found is None:
                    raise
        await _update(client, wanted, found)
        return RegisteredWebhook(id=found, created=False)

    shown = tasks.with_options(
        name="Register webhook",
        params={"owner": wanted.owner, "repo": wanted.repo, "url": wanted.url, "events": wanted.events},
        properties={"Repository": f"{wanted.owner}/{wanted.repo}", "Events": ", ".join(wanted.events)},
    )
    return await shown.with_client("register webhook", register_once)


async def _find(client: Client, wanted: WantedWebhook) -> int | None:
    """The id of the webhook that was registered before, or else of the one with our URL."""
    urls = await _urls_by_id(client, wanted)
    if wanted.known_id in urls:
        return wanted.known_id
    return next((hook_id for hook_id, url in urls.items() if url == wanted.url), None)


async def _urls_by_id(client: Client, wanted: WantedWebhook) -> dict[int, str | None]:
    urls: dict[int, str | None] = {}
    page = 1
    while True:
        answer = await client.rest.repos.async_list_webhooks(
            wanted.owner, wanted.repo, per_page=_PAGE, page=page
        )
        hooks = answer.json()
        urls |= {hook["id"]: hook["config"].get("url") for hook in hooks}
        if len(hooks) < _PAGE:
            return urls
        page += 1


async def _create(client: Client, wanted: WantedWebhook) -> int:
    config: ReposOwnerRepoHooksPostBodyPropConfigType = {
        "url": wanted.url,
        "content_type": "json",
        "secret": wanted.secret,
    }
    answer = await client.rest.repos.async_create_webhook(
        wanted.owner, wanted.repo, config=config, events=wanted.events, active=True
    )
    return int(answer.json()["id"])


async def _update(client: Client, wanted: WantedWebhook, hook_id: int) -> None:
    # The config goes whole: GitHub drops a secret that is not in it.
    config: WebhookConfigType = {"url": wanted.url, "content_type": "json", "secret": wanted.secret}
    await client.rest.repos.async_update_webhook(
        wanted.owner, wanted.repo, hook_id, config=config, events=wanted.events, active=True
    )
