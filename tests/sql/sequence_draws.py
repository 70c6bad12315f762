"""What Hypothesis draws for random sequences of calls: tasks, replies, results, answers to other requests."""

from typing import Any

from hypothesis import strategies as st

from tests.support.builders import task

counts = st.integers(1, 5)
indexes = st.integers(0, 31)  # the smaller, the newer
keys = st.sampled_from("abcde")
waits_s = st.sampled_from([2, 30, 3600])
environments = st.sampled_from([0, 1])
event_ids = st.sampled_from(["1", "2", "3", "4", None])
limits = st.sampled_from([None, None, None, 1, 2, {"id": "shared", "limit": 1}, {"id": "shared", "limit": 2}])

URL = "https://api.example/things"
FETCHES: list[dict[str, Any]] = [
    {"operation": "fetch", "params": {"url": URL}},
    {"operation": "fetch", "params": {"url": URL, "retry": {"all": {"strategy": "backoff", "limit": 3}}}},
    {"operation": "fetch-response", "params": {"url": URL, "timeout": {"durationInMs": 1000, "retry": {}}}},
    {"operation": "fetch-poll", "params": {"url": URL, "responseFilter": {"body": {"n": [7]}}}},
    {"operation": "fetch", "params": {}},  # asks for nothing
]


@st.composite
def tasks(draw: st.DrawFn) -> dict[str, Any]:
    """Task records, new and met again: open, waiting, finished, called back, done by the platform."""
    parents = st.just({}) | st.builds(lambda key: {"parentKey": task(key)["idempotencyKey"]}, keys)
    callbacks = st.builds(
        lambda seconds: {"callback": {"enabled": True, "timeoutInSeconds": seconds}},
        st.sampled_from([0, 30, 3600]),
    )
    operations = st.sampled_from(FETCHES) | st.builds(
        lambda fetch, seconds: {**fetch, "delaySeconds": seconds}, st.sampled_from(FETCHES), waits_s
    )
    elsewhere = st.builds(lambda shape, parent: {**shape, **parent}, callbacks | operations, parents)
    shapes: st.SearchStrategy[dict[str, Any]] = (
        st.just({})
        | st.builds(lambda seconds, noop: {"delaySeconds": seconds, "noop": noop}, waits_s, st.booleans())
        | st.just({"noop": True})
        | st.builds(lambda value: {"status": "COMPLETED", "output": value}, st.integers(0, 9))
        | st.just({"status": "ERRORED", "error": {"message": "no"}})
        | st.just({"parallel": True})
        | st.builds(lambda key, seconds: {"parentKey": task(key)["idempotencyKey"], "delaySeconds": seconds},
                    keys, waits_s)
        | elsewhere | elsewhere
    )  # fmt: skip
    drawn: dict[str, Any] = draw(st.builds(lambda key, shape: task(key, **shape), keys, shapes))
    return drawn


@st.composite
def replies(draw: st.DrawFn) -> dict[str, Any]:
    """Replies of every status. A ``task`` that is a key becomes the id of a task of the run."""
    wait = st.builds(lambda key, seconds: task(key, delaySeconds=seconds), keys, waits_s)
    about = keys | keys | st.just("unknown") | tasks() | wait | wait
    fixed = [
        {"status": "SUCCESS", "output": {"n": 1}},
        {"status": "SUCCESS"},
        {"status": "ERROR", "error": {"message": "boom"}},
        {"status": "INVALID_PAYLOAD", "errors": []},
        {"status": "UNRESOLVED_AUTH_ERROR", "issues": {}},
        {"status": "CANCELED"},
        {"status": "YIELD_EXECUTION"},  # without its key: malformed
        {"status": "AUTO_YIELD_EXECUTION", "location": "failed_task_run"},
        {"status": "AUTO_YIELD_EXECUTION", "location": "start_task"},
        {"status": "AUTO_YIELD_RATE_LIMIT"},
        {"status": "SOMETHING_NEW"},
        {"status": "RESUME_WITH_TASK"},  # about none
    ]
    waiting = st.sampled_from(["RESUME_WITH_TASK", "RETRY_WITH_TASK"]).flatmap(
        lambda status: st.builds(
            lambda about, retry: {
                "status": status,
                "task": about,
                "error": {"message": "once more"},
                "retry": {"randomize": False, "minTimeoutInMs": retry},
            },
            about,
            st.sampled_from([1000, 20000]),
        )
    )
    yielding = st.builds(lambda key: {"status": "YIELD_EXECUTION", "key": key}, keys)
    completing = st.builds(
        lambda key: {"status": "AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK", "task": key, "output": "7"}, keys
    )
    failing = st.builds(lambda key: {"status": "ERROR", "error": {"message": "boom"}, "task": key}, keys)
    impossible = st.builds(
        lambda about: {"status": "RETRY_WITH_TASK", "task": about, "retryAt": "soon"}, about
    )
    common = waiting | waiting | waiting | waiting
    plain = st.sampled_from(fixed) | common | yielding | completing | failing | impossible
    parallel = st.builds(
        lambda parent, children: {
            "status": "RESUME_WITH_PARALLEL_TASK",
            "task": parent,
            "childErrors": children,
        },
        about,
        st.lists(waiting | waiting | plain, max_size=3),
    )
    drawn: dict[str, Any] = draw(
        st.builds(
            lambda reply, riding: {**reply, **({"tasks": riding} if riding else {})},
            plain | plain | parallel,
            st.lists(tasks(), max_size=2),
        )
    )
    return drawn


@st.composite
def results(draw: st.DrawFn) -> dict[str, Any]:
    """Results of every verdict, for some execution."""
    lost = st.sampled_from(
        ["UNREACHABLE", "UNREACHABLE", "REFUSED", "FUNCTION_TIMEOUT", "MALFORMED", "LEASE_EXPIRED"]
    )
    replied = st.builds(lambda reply: {"verdict": "REPLY", "httpStatus": 200, "reply": reply}, replies())
    drawn: dict[str, Any] = draw(
        replied | replied | replied | st.builds(lambda verdict: {"verdict": verdict, "message": "x"}, lost)
    )
    wish = draw(st.sampled_from([None, None, None, "successSubscription", "failedSubscription"]))
    return {**drawn, "metadata": {wish: True}} if wish else drawn


answers = st.sampled_from(
    [
        *[{"verdict": "REPLY", "httpStatus": 200, "headers": {}, "body": '{"n": 7}'}] * 3,
        {"verdict": "REPLY", "httpStatus": 200, "headers": {}, "body": '{"n": 1}'},
        {"verdict": "REPLY", "httpStatus": 200, "headers": {}, "body": "no JSON"},
        {"verdict": "REPLY", "httpStatus": 500, "headers": {}, "body": '{"message": "boom"}'},
        {"verdict": "TIMEOUT", "message": "no answer"},
        {"verdict": "UNREACHABLE", "message": "no connection"},
        {"verdict": "MALFORMED", "message": "too large"},
    ]
)
"""Answers to requests other than executions, or none. The first stand for a good one of any kind."""
