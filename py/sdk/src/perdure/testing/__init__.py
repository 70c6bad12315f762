"""The test kit: the real engine in the test's process, with time that is skipped, not waited for.

The pytest plugin gives each test a platform: ``perdure_platform``, or ``perdure_platform_sync`` for tests
that are not async. Both need ``perdure[testing]``. ``JobTester`` tests a job alone, in memory.
"""

from __future__ import annotations

from perdure.testing.laboratory import Laboratory
from perdure.testing.memory import TIMED_OUT, Unanswered
from perdure.testing.mocks import Mock, MockedCall
from perdure.testing.modes import CrashMattered, crash_everywhere, replay_always
from perdure.testing.outside import OutsideHandler
from perdure.testing.platform import ExecutionStuck, Platform
from perdure.testing.runs import RunNotSuccessful, TestRun, TestTask
from perdure.testing.sync import SyncPlatform, SyncTestRun
from perdure.testing.tester import JobOutcome, JobTester
from perdure.testing.traffic import Call, Execution

__all__ = [
    "TIMED_OUT",
    "Call",
    "CrashMattered",
    "Execution",
    "ExecutionStuck",
    "JobOutcome",
    "JobTester",
    "Laboratory",
    "Mock",
    "MockedCall",
    "OutsideHandler",
    "Platform",
    "RunNotSuccessful",
    "SyncPlatform",
    "SyncTestRun",
    "TestRun",
    "TestTask",
    "Unanswered",
    "crash_everywhere",
    "replay_always",
]
