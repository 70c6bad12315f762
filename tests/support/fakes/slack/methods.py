"""The methods of Slack's Web API that the fake has, besides the posting of messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.support.fakes.slack.errors import SlackError

if TYPE_CHECKING:
    from tests.support.fakes.slack.service import FakeSlack

JsonObject = dict[str, Any]


def auth_test(slack: FakeSlack, arguments: JsonObject) -> JsonObject:
    """``auth.test``."""
    return {"team": "Acme", "team_id": "T061EG9R6", "user": "perdure", "user_id": "U0PERDURE"}


def chat_update(slack: FakeSlack, arguments: JsonObject) -> JsonObject:
    """``chat.update``: changes a message that was posted."""
    message = _message(slack, arguments, "ts")
    message.update({name: arguments[name] for name in ("text", "blocks") if name in arguments})
    shown = {name: value for name, value in message.items() if name != "channel"}
    return {
        "channel": message["channel"],
        "ts": message["ts"],
        "text": message["text"],
        "message": {**shown, "edited": {"user": "U0PERDURE", "ts": message["ts"]}},
    }


def chat_delete(slack: FakeSlack, arguments: JsonObject) -> JsonObject:
    """``chat.delete``."""
    message = _message(slack, arguments, "ts")
    slack.messages.remove(message)
    return {"channel": message["channel"], "ts": message["ts"]}


def reactions_add(slack: FakeSlack, arguments: JsonObject) -> JsonObject:
    """``reactions.add``: refused when the app has reacted so already."""
    reactions = _message(slack, arguments, "timestamp").setdefault("reactions", [])
    if arguments["name"] in reactions:
        raise SlackError("already_reacted")
    reactions.append(arguments["name"])
    return {}


def reactions_remove(slack: FakeSlack, arguments: JsonObject) -> JsonObject:
    """``reactions.remove``: refused when the app has not reacted so."""
    reactions = _message(slack, arguments, "timestamp").setdefault("reactions", [])
    if arguments["name"] not in reactions:
        raise SlackError("no_reaction")
    reactions.remove(arguments["name"])
    return {}


def conversations_list(slack: FakeSlack, arguments: JsonObject) -> JsonObject:
    """``conversations.list``: the channels in the order of their ids, in pages; the cursor is the next id."""
    ids = sorted(slack.channels | slack.foreign_channels | slack.archived_channels)
    if str(arguments.get("exclude_archived", "")).lower() in ("true", "1"):
        ids = [one for one in ids if one not in slack.archived_channels]
    ids = [one for one in ids if one >= str(arguments.get("cursor") or "")]
    limit = int(arguments.get("limit", 100))
    following = ids[limit : limit + 1]
    return {
        "channels": [_channel(slack, one) for one in ids[:limit]],
        "response_metadata": {"next_cursor": following[0] if following else ""},
    }


def conversations_open(slack: FakeSlack, arguments: JsonObject) -> JsonObject:
    """``conversations.open``: the app may post to it from now on."""
    users = str(arguments.get("users", ""))
    if not users:
        raise SlackError("users_list_not_supplied")
    channel = "D0" + users.replace(",", "")
    slack.channels.add(channel)
    return {"channel": {"id": channel}}


def users_lookup_by_email(slack: FakeSlack, arguments: JsonObject) -> JsonObject:
    """``users.lookupByEmail``."""
    user_id = slack.users_by_email.get(str(arguments.get("email", "")))
    if user_id is None:
        raise SlackError("users_not_found")
    user = {"id": user_id, "team_id": "T061EG9R6", "name": user_id.lower(), "deleted": False, "is_bot": False}
    return {"user": {**user, "real_name": "Ada Lovelace", "tz": "Europe/London"}}


def _message(slack: FakeSlack, arguments: JsonObject, ts_name: str) -> JsonObject:
    channel, ts = arguments.get("channel"), arguments.get(ts_name)
    if channel not in slack.channels:
        raise SlackError("channel_not_found")
    found = [message for message in slack.messages if (message["channel"], message["ts"]) == (channel, ts)]
    if not found:
        raise SlackError("message_not_found")
    return found[0]


def _channel(slack: FakeSlack, channel: str) -> JsonObject:
    return {
        "id": channel,
        "name": channel.lower(),
        "is_channel": True,
        "is_private": False,
        "is_archived": channel in slack.archived_channels,
        "is_member": channel in slack.channels,
    }


METHODS: dict[str, Callable[[FakeSlack, JsonObject], JsonObject]] = {
    "auth.test": auth_test,
    "chat.update": chat_update,
    "chat.delete": chat_delete,
    "reactions.add": reactions_add,
    "reactions.remove": reactions_remove,
    "conversations.list": conversations_list,
    "conversations.open": conversations_open,
    "users.lookupByEmail": users_lookup_by_email,
}
