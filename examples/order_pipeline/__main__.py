"""A small order, and large ones, approved and declined: ``make example NAME=order_pipeline``."""

from __future__ import annotations

import sys

import httpx

from examples.stage import Stage, run_example


def play(stage: Stage) -> None:
    """Place three orders."""
    small = stage.send_event("order.placed", {"id": "o1", "item": "lamp", "quantity": 1, "price": 4_900})
    stage.expect(stage.finish(small), "track-o1")
    for order, approved in (("o2", True), ("o3", False)):
        large = {"id": order, "item": "sofa", "quantity": 1, "price": 129_900}
        run = stage.send_event("order.placed", large)
        url = stage.wait_for_line(f"order {order} over").rpartition(" ")[2]
        stage.tell(f"a manager {'approves' if approved else 'declines'}")
        httpx.post(url, json={"approved": approved, "by": "Ann"}, trust_env=False).raise_for_status()
        stage.finish(run, expect="SUCCESS" if approved else "FAILURE")


if __name__ == "__main__":
    sys.exit(run_example(play, target="examples.order_pipeline.app:app"))
