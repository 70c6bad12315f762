"""Bodies as our SDKs write them go on as they came; any other is taken apart, with the same outcome."""

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from perdure import make_event
from perdure.wire.events import SendEventBody, SendEventOptions, SendEventsBody
from perdure.wire.tasks import TaskRecord
from perdure_server.api import events, tasks
from perdure_server.errors import ApiError
from perdure_server.grouped_writes import LoneTask

KEY = "a" * 64


def body_of(*records: TaskRecord, lease_number: int = 7) -> bytes:
    """What the SDK's recorder sends."""
    texts = b",".join(record.to_wire_bytes() for record in records)
    return b'{"leaseNumber":%d,"tasks":[%b]}' % (lease_number, texts)


def record(**fields: Any) -> TaskRecord:
    return TaskRecord.model_validate({"idempotencyKey": KEY, "name": "step", **fields})


RECORDS = [
    record(status="COMPLETED", output={"text": "ä\n", "list": [1, 2.5, None], "b": True}),
    record(status="COMPLETED", output=None, startedAt="2026-01-01T00:00:00.5Z"),
    record(status="ERRORED", error={"message": "no", "name": "ValueError"}, params=[1]),
    record(delaySeconds=1.5, noop=True, displayKey="wait"),
]


@pytest.mark.parametrize("records", [RECORDS[:1], RECORDS, []], ids=["one", "many", "none"])
def test_records_of_ours_are_not_taken_apart(records: list[TaskRecord]) -> None:
    raw = body_of(*records)
    own = tasks._own_records(raw)
    assert own is not None
    lease_number, texts = own
    assert (lease_number, texts) == (7, [one.to_wire_bytes() for one in records])
    assert [json.loads(text) for text in tasks._records(raw)[1]] == [json.loads(text) for text in texts]


OWN = body_of(RECORDS[0]).decode()
OTHERS = {
    "spaces": OWN.replace(":", ": "),
    "unknown member": OWN.replace('"name":', '"strange":1,"name":'),
    "null member": OWN.replace('"name":', '"icon":null,"name":'),
    "member twice": OWN.replace('"name":', '"name":"x","name":'),
    "tasks twice": OWN[:-1] + ',"tasks":[]}',
    "NUL": OWN.replace('"step"', '"st\\u0000ep"'),
    "half a pair": OWN.replace('"ä\\n"', '"\\ud800"'),
    "escapes": OWN.replace("ä", "\\u00e4"),
    "huge number": OWN.replace("2.5", "1e400"),
    "other form of a number": OWN.replace("2.5", "2.50"),
    "date in another form": OWN.replace('"name":', '"startedAt":"2026-01-01T00:00:00.0+00:00","name":'),
    "no JSON": OWN[:-1],
    "NaN": OWN.replace("2.5", "NaN"),
    "wrong": OWN.replace(KEY, "short"),
    "nested deeply": OWN.replace("2.5", "[" * 500 + "]" * 500),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_records_are_taken_apart(name: str) -> None:
    raw = OTHERS[name].encode()
    assert raw != OWN.encode()
    assert tasks._plain_record(raw) is None
    assert tasks._own_records(raw) is None


PLAIN = (
    '{"leaseNumber":7,"tasks":[{"output":null,"idempotencyKey":"' + KEY + '","name":"step","noop":false,'
    '"displayKey":"shown","status":"COMPLETED","startedAt":"2026-01-01T00:00:00.5Z"}]}'
)


@pytest.mark.parametrize("output", ["null", '{"b": [1e400, 2.50, "ä\\n"]}', '"\\u00e4"', "[]"])
@pytest.mark.parametrize("inside", ["", f'"parentKey":"{KEY}",'])
def test_a_plain_record_goes_on_as_it_came(output: str, inside: str) -> None:
    raw = PLAIN.replace("null", output).replace('"status"', inside + '"status"').encode()
    envelope = b'{"environmentId":"e","runId":"r","leaseNumber":7,"task":'
    calls = tasks.calls_of("e", "r", raw)
    assert calls == (envelope + raw[len(b'{"leaseNumber":7,"tasks":[') : -len(b"]}")] + b"}",)
    if not inside:
        parts = (b"7", KEY.encode(), b"step", b"shown", output.encode(), b"2026-01-01T00:00:00.5Z")
        assert isinstance(calls, LoneTask)
        assert calls.parts == ("e", "r", *parts)


def test_a_task_inside_another_is_not_stored_by_its_parts() -> None:
    raw = PLAIN.replace('"status"', f'"parentKey":"{KEY}","status"').encode()
    assert not isinstance(tasks.calls_of("e", "r", raw), LoneTask)


def test_a_plain_record_without_output_has_none() -> None:
    calls = tasks.calls_of("e", "r", PLAIN.replace('"output":null,', "").encode())
    assert isinstance(calls, LoneTask)
    assert calls.parts[-2] is None


def test_a_plain_record_in_a_line_for_one_of_many_runs_goes_on_as_it_came() -> None:
    run_id = "0193a3f0-0000-7000-8000-000000000000"
    line = f'{{"runId":"{run_id}",{PLAIN[1:]}'.encode()
    assert tasks._run_and_body(line) == (run_id, PLAIN.encode())


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("null", "NaN"),
        ("null", '"\\u0000"'),
        ("null", '"\\ud800"'),
        ("null", '1}],"tasks":[{"output":1'),
        ("7", "2147483648"),
        ("7", "-7"),
        ("false", "0"),
        ("false", "null"),
        ('"noop":false', '"strange":1'),
        ('"noop":false', '"delaySeconds":1e400'),
        ('"noop":false', '"callback":{"enabled":true}'),
        ("2026-01-01T00:00:00.5Z", "1767225600"),
        ("2026-01-01T00:00:00.5Z", "2026-13-01T00:00:00.5Z"),
        ("2026-01-01T00:00:00.5Z", "2026-02-30T00:00:00.5Z"),
        ('"name":"step"', '"name":null'),
        ('"name":"step"', '"name":"x","name":"step"'),
        ('"name":"step"', '"name":"a\\u0000"'),
        ('"name":"step"', '"name":"\n"'),
        (KEY, KEY[1:]),
        ('Z"}', 'Z"},{}'),
    ],
)
def test_a_record_that_is_not_plain_is_taken_apart(part: str, other: str) -> None:
    raw = PLAIN.replace(part, other).encode()
    assert tasks._plain_record(raw) is None
    assert tasks._own_records(raw) is None


EVENT = '{"event":{"name":"greet","payload":null,"context":{},"id":"e1","source":"x"}}'


@pytest.mark.parametrize("payload", ["null", '{"b": [1e400, 2.50, "ä\\n"], "context":{}}', '"\\u00e4"'])
def test_a_plain_event_goes_on_as_it_came(payload: str) -> None:
    raw = EVENT.replace("null", payload).encode()
    assert events._own_event(raw) == (raw[len(b'{"event":') : -1], None)


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("null", "NaN"),
        ("null", '"\\u0000"'),
        ("null", '"\\ud800"'),
        ("null", '1,"payload":2'),
        ("null", '1}}, {"event":{"name":"b","payload":2'),
        ("null", "[" * 500 + "]" * 500),
        ("greet", ""),
        ("greet", "\\u0000"),
        ('"e1"', "1"),
        ('"e1"', '"%s"' % ("e" * 1001)),
        ('"e1"', '"e1","strange":1'),
        ('"x"}}', '"x"},"options":null}'),
    ],
)
def test_an_event_that_is_not_plain_is_taken_apart(part: str, other: str) -> None:
    assert events._own_event(EVENT.replace(part, other).encode()) is None


def test_events_of_ours_are_not_taken_apart() -> None:
    sent = [make_event("greet", {"n": n}, context={"n": n}) for n in range(3)]
    for options in (None, SendEventOptions(deliver_after=5, tags=["a"])):
        raw = SendEventsBody(events=sent, options=options).to_wire_bytes()
        assert events._own_events(raw) == ([event.to_wire_bytes() for event in sent], options)
        texts, read = events._events(raw)
        assert [json.loads(text) for text in texts] == [event.to_wire() for event in sent]
        assert read == options
        one = SendEventBody(event=sent[0], options=options).to_wire_bytes()
        assert events._own_event(one) == (sent[0].to_wire_bytes(), options)


def test_other_events_are_taken_apart() -> None:
    for raw in (b'{"events": []}', b'{"events":[],"more":1}', b'{"events":[{"name":"a\\u0000"}]}', b"[]"):
        assert events._own_events(raw) is None
    assert events._own_event(b'{"event":{"name":"a","payload":1e400}}') is None
    with pytest.raises(ApiError, match="name"):
        events._event(b'{"event":{"name":""}}')


@pytest.fixture
def at_last() -> Iterator[None]:
    """Ends a test after half a minute, where the square of the length would take days."""

    def give_up(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


HEAD_OF_AN_EVENT = b'{"event":{"name":"greet","payload":'
HEAD_OF_A_RECORD = b'{"leaseNumber":7,"tasks":[{"output":'
TAIL_OF_A_RECORD = PLAIN[PLAIN.index(',"idempotencyKey') : PLAIN.index('"startedAt')].encode()


@pytest.mark.usefixtures("at_last")
@pytest.mark.parametrize(
    ("head", "again"),
    [
        (HEAD_OF_AN_EVENT, b"1"),
        (HEAD_OF_AN_EVENT, b',"context":{},"id":"'),
        (HEAD_OF_AN_EVENT, b',"context":{},"id":"%b' % (b"e" * 1000)),
        (HEAD_OF_AN_EVENT, b',"context":{},"id":"e","source":"'),
        (b'{"event":{"name":"', b"a"),
        (HEAD_OF_A_RECORD, b"1"),
        (HEAD_OF_A_RECORD, TAIL_OF_A_RECORD),
        (HEAD_OF_A_RECORD, TAIL_OF_A_RECORD + b'"startedAt":"2026-01-01T00:00:00.5'),
    ],
)
def test_no_body_is_looked_through_again_and_again(head: bytes, again: bytes) -> None:
    raw = head + again * (3 * 2**20 // len(again))
    assert events._own_event(raw) is None
    assert tasks._plain_record(raw) is None
    assert tasks._own_records(raw) is None
