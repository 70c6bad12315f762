"""Where the platform is and with which key: from arguments or the environment, checked when needed."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from perdure.errors import MissingSetting

API_URL_VARIABLE = "PERDURE_API_URL"
API_KEY_VARIABLE = "PERDURE_API_KEY"
_SECRET_KEY = re.compile(r"tr_[a-z]+_[A-Za-z0-9]+")


@dataclass(frozen=True)
class Settings:
    """What was given; None: look into the environment when it is needed first, and keep what is found."""

    given_api_url: str | None = None
    given_api_key: str | None = field(default=None, repr=False)

    @cached_property
    def api_url(self) -> str:
        """The API's base URL, without a slash at its end.

        Raises:
            MissingSetting: neither given nor in the environment, or not an http(s) URL.
        """
        url = self.given_api_url or os.environ.get(API_URL_VARIABLE)
        if not url:
            raise MissingSetting(
                f"{API_URL_VARIABLE} is not set: give the address of your Perdure server there, "
                "or as Perdure(..., api_url=...)"
            )
        if urlsplit(url).scheme not in ("http", "https"):
            raise MissingSetting(f"{API_URL_VARIABLE} must begin with http:// or https://, not {url!r}")
        return url.rstrip("/")

    @cached_property
    def api_key(self) -> str:
        """The secret key of the app's environment that the app's own calls carry: the first one.

        Raises:
            MissingSetting: as ``api_keys``.
        """
        return self.api_keys[0]

    @cached_property
    def api_keys(self) -> Sequence[str]:
        """All secret keys, at least one; a request signed with any of them is the platform's.

        Several, with commas between them, are for changing the key without a pause.

        Raises:
            MissingSetting: neither given nor in the environment, or one of them is not a secret key.
        """
        text = self.given_api_key or os.environ.get(API_KEY_VARIABLE) or ""
        keys = [key.strip() for key in text.split(",") if key.strip()]
        if not keys:
            raise MissingSetting(
                f"{API_KEY_VARIABLE} is not set: give the environment's secret key (tr_…) there, "
                "or as Perdure(..., api_key=...)"
            )
        for key in keys:
            _check_key(key)
        return keys


def _check_key(key: str) -> None:
    if key.startswith("pk_"):
        raise MissingSetting(f"{API_KEY_VARIABLE} has a public key (pk_…): the secret one (tr_…) is needed")
    if not _SECRET_KEY.fullmatch(key):
        raise MissingSetting(
            f"{API_KEY_VARIABLE} does not look like a secret key: tr_dev_… and only letters, digits"
        )
