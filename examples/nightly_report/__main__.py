"""The night's work at once, by hand: ``make example NAME=nightly_report``."""

from __future__ import annotations

import sys

from examples.stage import Stage, run_example


def play(stage: Stage) -> None:
    """Start the job as the schedule would."""
    run = stage.invoke("nightly-report", {"ts": "2026-01-05T01:30:00Z"})
    summary = stage.finish(run)
    stage.tell(f"{summary}")
    stage.expect((summary["reports"], summary["failed"]), (499, [13]))


if __name__ == "__main__":
    sys.exit(run_example(play, target="examples.nightly_report.app:app"))
