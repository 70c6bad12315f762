"""Passwords: hashed with argon2id, checked in the same time whether there is an account or not."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from starlette.requests import Request

from perdure_server.errors import ApiError
from perdure_server.services import services_of

SHORTEST, LONGEST = 10, 200

# RFC 9106, second recommended option: 64 MiB and some 50 ms of CPU for each.
_hasher = PasswordHasher()
# Of no password; made with the same parameters.
_NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdCBvZiBub2JvZHkhIQ$EU7P0tlkFCnBeutnZgIc3SlnDOUPdz9xfRT1doNtvyM"
# Two at once: more would only take memory and CPU from everything else. Many logins wait in line.
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")


class PasswordsAreOff(ApiError):
    """People log in by the OpenID provider only."""

    def __init__(self) -> None:
        super().__init__(403, "PASSWORDS_OFF", "Nobody logs in with a password here. Open the login page.")


def are_on(request: Request) -> bool:
    """Whether people log in with passwords."""
    return services_of(request).settings.password_login


def need_to_be_on(request: Request) -> None:
    """Refuse what is done with passwords where nobody has them.

    Raises:
        PasswordsAreOff: that is so.
    """
    if not are_on(request):
        raise PasswordsAreOff


def problem_of(password: str, *others: str) -> str | None:
    """What is wrong with a new password, for people; None: nothing.

    Args:
        password: the new one.
        others: what it must not be: the email and the name.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        return f"The password must have {SHORTEST} to {LONGEST} characters."
    if len(set(password)) < 4 or password.casefold() in {other.casefold() for other in others}:
        return "This password is too easy to guess: choose another."
    return None


async def hash_password(password: str) -> str:
    """The hash that is stored."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def is_right(password: str, stored: str | None) -> bool:
    """Whether it is the password of this hash; of none it never is, after the same work."""
    loop = asyncio.get_running_loop()
    right = await loop.run_in_executor(_threads, _verify, password, stored or _NOBODYS)
    return right and stored is not None


def _verify(password: str, stored: str) -> bool:
    try:
        return _hasher.verify(stored, password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
