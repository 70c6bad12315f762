"""The test kit, which apps import as ``perdure.testing``: the real engine, in the test's process.

The pytest plugin gives each test a platform: ``perdure_platform``, or ``perdure_platform_sync`` for tests
that are not async. Both need ``perdure[testing]``. ``JobTester`` tests a job alone, in memory.
"""

from __future__ import annotations

from perdure_testing.laboratory import Laboratory
from perdure_testing.memory import TIMED_OUT, Unanswered
from perdure_testing.mocks import Mock, MockedCall
from perdure_testing.modes import CrashMattered, crash_everywhere, replay_always
from perdure_testing.outside import OutsideHandler
from perdure_testing.platform import ExecutionStuck, Platform
from perdure_testing.runs import RunNotSuccessful, TestRun, TestTask
from perdure_testing.sync import SyncPlatform, SyncTestRun
from perdure_testing.tester import JobOutcome, JobTester
from perdure_testing.traffic import Call, Execution

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
