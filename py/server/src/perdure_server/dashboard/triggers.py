"""What starts a job, in words: TriggerMetadata as people read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DEFAULT_SOURCE = "trigger.dev"
_HTTP_ENDPOINT = "httpendpoint."


def describe_trigger(trigger: Mapping[str, Any]) -> str:
    """What starts a job, such as ``the event user.signed-up``."""
    match trigger.get("type"):
        case "static":
            return _describe_rule(trigger.get("rule") or {})
        case "scheduled":
            return describe_schedule(trigger.get("schedule") or {})
        case "dynamic":
            return f"dynamic trigger {trigger.get('id')}"
        case _:
            return "when it is invoked"


def describe_schedule(schedule: Mapping[str, Any]) -> str:
    """When a schedule fires, such as ``every 2 hours``."""
    options = schedule.get("options") or {}
    if schedule.get("type") == "cron":
        return f"cron {options.get('cron')}, {options.get('timezone') or 'UTC'}"
    return f"every {_interval(int(options.get('seconds') or 0))}"


def _describe_rule(rule: Mapping[str, Any]) -> str:
    names = rule.get("event")
    listed = names if isinstance(names, list) else [names]
    if all(str(name).startswith(_HTTP_ENDPOINT) for name in listed):
        ends = ", ".join(str(name).removeprefix(_HTTP_ENDPOINT) for name in listed)
        return f"HTTP endpoint {ends}"
    source = rule.get("source")
    told = f"event{'s' if len(listed) > 1 else ''} {', '.join(map(str, listed))}"
    return told if source in (None, _DEFAULT_SOURCE) else f"{told} from {source}"


def _interval(seconds: int) -> str:
    for length, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= length and seconds % length == 0:
            number = seconds // length
            return name if number == 1 else f"{number} {name}s"
    return f"{seconds} seconds"
