"""Secrets at rest: sealed with keys that only our processes have, so that the database cannot read them."""

import re
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from .errors import InvalidSecretKey, NoSecretKey, UnknownSecretKey

SETTING = "PERDURE_SECRET_KEYS"
"""The variable with the keys: comma separated, newest first."""
_HOW = f"`perdure secret-key` prints a new one: set {SETTING} to it, the same for server and dispatcher"
_KEY = re.compile("[A-Za-z0-9_-]{43}=")


def new_secret_key() -> str:
    """A key that no one else has: 32 random bytes in base64."""
    return Fernet.generate_key().decode()


class SecretBox:
    """Seals text with the newest key, opens what any of the keys has sealed.

    A box without keys exists, so that an installation that keeps no secrets needs none: only its use fails.

    Args:
        keys: newest first; an old one stays in the list as long as anything is sealed with it.
    Raises:
        InvalidSecretKey: one of them is no key. The message does not show it.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        fernets = [_fernet(number, key) for number, key in enumerate(keys, start=1)]
        self._fernets = MultiFernet(fernets) if fernets else None

    @classmethod
    def from_setting(cls, value: str | None) -> "SecretBox":
        """The box for the text of ``PERDURE_SECRET_KEYS``; None or blank: one without keys."""
        return cls([key.strip() for key in value.split(",")] if value and value.strip() else [])

    def seal(self, text: str) -> str:
        """Encrypt and sign ``text``; the same text looks different each time.

        Raises:
            NoSecretKey: there are no keys.
        """
        return self._keys().encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """The text that was sealed.

        Raises:
            NoSecretKey: there are no keys.
            UnknownSecretKey: none of the keys has sealed it, or it is damaged.
        """
        try:
            return self._keys().decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise UnknownSecretKey(
                f"a stored secret was sealed with a key that {SETTING} lacks: add the older key to its end"
            ) from None

    def _keys(self) -> MultiFernet:
        if self._fernets is None:
            raise NoSecretKey(f"secrets cannot be stored or read: {SETTING} is not set. {_HOW}")
        return self._fernets


def _fernet(number: int, key: str) -> Fernet:
    if not _KEY.fullmatch(key):  # base64 decoders pass over what they do not know, such as a second key
        raise InvalidSecretKey(f"{SETTING}: key {number} is not 32 bytes in URL-safe base64. {_HOW}")
    return Fernet(key)
