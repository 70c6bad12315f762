"""The one shape of every error."""

from __future__ import annotations

from pydantic import BaseModel, Field


class ErrorAnswer(BaseModel):
    """Every answer that is not 200."""

    error: str = Field(description="What is wrong and what to do, for people.")
    code: str = Field(
        description="What is wrong, for programs: a code of the engine (JQ001) or a word (INVALID_BODY)."
    )
