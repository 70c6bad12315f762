"""The SDK's version, as it is told to the platform."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("perdure")
except PackageNotFoundError:  # run from a source tree that is not installed
    VERSION = "0.0.0"
