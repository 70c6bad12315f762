"""The kit for integrations, whose names ``perdure`` and ``perdure.triggers`` show. Extra ``integrations``."""

from __future__ import annotations

try:
    from perdure_integrations import *  # noqa: F403  # pyright: ignore[reportWildcardImportFromLibrary]
except ModuleNotFoundError as error:
    if error.name != "perdure_integrations":
        raise
    raise ImportError('integrations need their kit: pip install "perdure[integrations]"') from error
