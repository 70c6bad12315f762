"""The SDK's version, as it is told to the platform."""

from __future__ import annotations

VERSION = "0.1.0"  # as in pyproject.toml: to read what is installed would take as long as all models do
