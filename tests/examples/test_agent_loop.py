"""The agent: its answer, and that no call of the model or a tool is made twice, whatever is killed when."""

from __future__ import annotations

import pytest

from examples.agent_loop import model
from examples.agent_loop.app import Question, answer
from perdure.testing import Platform


@pytest.mark.perdure(crash="everywhere")
async def test_the_agent_answers(perdure_platform: Platform) -> None:
    model.calls.clear()
    run = await perdure_platform.start(answer, Question(text="What do tea and cake cost together?"))
    await run.finish()
    assert run.output == "Together that is 10 euros."


async def test_tools_of_one_turn_are_stored_together(perdure_platform: Platform) -> None:
    model.calls.clear()
    run = await perdure_platform.start(answer, Question(text="What do tea and cake cost together?"))
    assert run.output == "Together that is 10 euros."
    assert model.calls == ["model 1", "price tea", "price cake", "model 4", "add", "model 6"]
    assert len(run.executions) == 1
    assert len(run.calls) <= 6
