"""A long-lived process leaves the garbage collector little to do, and loses no memory by it."""

import subprocess
import sys

_PROGRAM = """
import gc, weakref
from perdure_dispatcher.collector import spare_collector

class Circle:
    def __init__(self):
        self.self = self

gc.disable()
before = weakref.ref(Circle())
spare_collector()
assert before() is None, "garbage from before was kept for ever"
looked_through = len(gc.get_objects())
assert looked_through < 1000, f"{looked_through} objects are looked through"
gc.enable()
after = weakref.ref(Circle())
kept = [[] for _ in range(25_000)]
assert after() is None, "garbage is not collected any more"
"""


def test_what_was_imported_is_left_alone_and_garbage_is_not() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
