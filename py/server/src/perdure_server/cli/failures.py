"""What people read when a command cannot do its work: what happened, why, and what to do; no traceback."""

from __future__ import annotations

import re

import httpx
import psycopg

from perdure_dispatcher.settings import InvalidSettings as InvalidDispatcherSettings
from perdure_engine.errors import DatabaseUnavailable, PerdureError
from perdure_server.settings import InvalidSettings


class CommandFailed(Exception):
    """A command is refused or could not do its work: exit status 1.

    Args:
        text: what happened, why, and what to do; may have several lines.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def describe(error: Exception) -> str | None:
    """The text of an error for people; None when it is a mistake of ours, which needs its traceback."""
    if isinstance(error, CommandFailed):
        return error.text
    if isinstance(error, InvalidSettings | InvalidDispatcherSettings):
        return str(error)
    if isinstance(error, DatabaseUnavailable):
        return (
            f"{error.message.strip()}\n"
            "Is Postgres running, and is the URL right (PERDURE_DATABASE_URL or --database-url)?"
        )
    if isinstance(error, PerdureError):
        return "\n".join(part for part in (error.message, error.detail) if part)
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        role = re.search(r'set role "(\w+)"', error.diag.message_primary or "")
        remedy = (
            f"Log in as a member of that role, or have an administrator run: grant {role[1]} to LOGIN"
            if role
            else "Log in as a member of perdure_owner, such as the login that ran `perdure migrate`."
        )
        return f"Postgres refuses it: {error.diag.message_primary}\n{remedy}"
    if isinstance(error, psycopg.Error):
        parts = (error.diag.message_primary or str(error), error.diag.message_detail, error.diag.message_hint)
        return "Postgres refuses it: " + "\n".join(part for part in parts if part)
    if isinstance(error, httpx.HTTPError):
        return str(error) or type(error).__name__
    return None
