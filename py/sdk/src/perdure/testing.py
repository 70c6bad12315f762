"""The test kit: the real engine in the test's process, with time that is skipped, not waited for.

The pytest plugin gives each test a platform: ``perdure_platform``, or ``perdure_platform_sync`` for tests
that are not async. ``JobTester`` tests a job alone, in memory. Needs ``perdure[testing]``.
"""

from __future__ import annotations

try:
    from perdure_testing import (
        TIMED_OUT,
        Call,
        CrashMattered,
        Execution,
        ExecutionStuck,
        JobOutcome,
        JobTester,
        Laboratory,
        Mock,
        MockedCall,
        OutsideHandler,
        Platform,
        RunNotSuccessful,
        SyncPlatform,
        SyncTestRun,
        TestRun,
        TestTask,
        Unanswered,
        crash_everywhere,
        replay_always,
    )
except ModuleNotFoundError as error:
    if error.name != "perdure_testing":
        raise
    raise ImportError('perdure.testing needs the test kit: pip install "perdure[testing]"') from error

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
