"""A question for the agent: ``make example NAME=agent_loop``."""

from __future__ import annotations

import sys

from examples.stage import Stage, run_example


def play(stage: Stage) -> None:
    """Ask."""
    run = stage.send_event("question.asked", {"text": "What do tea and cake cost together?"})
    stage.expect(stage.finish(run), "Together that is 10 euros.")


if __name__ == "__main__":
    sys.exit(run_example(play, target="examples.agent_loop.app:app"))
