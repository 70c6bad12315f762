"""What stands for a language model: it asks for tools, and answers when it has seen what they gave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel


class ToolCall(BaseModel):
    """A tool that the model wants to be called."""

    name: str
    arguments: dict[str, Any]


class Message(BaseModel):
    """A turn of the conversation: a text, and of the model also the tools it asks for."""

    role: str
    text: str = ""
    tool_calls: list[ToolCall] = []


PRICES = {"tea": 4, "cake": 6}
calls: list[str] = []
"""What was called, for tests."""


async def complete(conversation: list[Message]) -> Message:
    """The model's next turn, made of the conversation alone."""
    calls.append(f"model {len(conversation)}")
    results = [message.text for message in conversation if message.role == "tool"]
    if not results:
        lookups = [ToolCall(name="price", arguments={"item": item}) for item in PRICES]
        return Message(role="model", tool_calls=lookups)
    if len(results) == len(PRICES):
        numbers = [int(result) for result in results]
        return Message(role="model", tool_calls=[ToolCall(name="add", arguments={"numbers": numbers})])
    return Message(role="model", text=f"Together that is {results[-1]} euros.")


async def price(item: str) -> int:
    """A tool: what something costs."""
    calls.append(f"price {item}")
    return PRICES[item]


async def add(numbers: list[int]) -> int:
    """A tool: a sum."""
    calls.append("add")
    return sum(numbers)


TOOLS: dict[str, Callable[..., Any]] = {"price": price, "add": add}
