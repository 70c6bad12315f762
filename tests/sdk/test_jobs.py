"""Declaring jobs: what is checked, what is registered, and the bare function."""

import asyncio
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from perdure import IO, ConfigurationError, Context, Perdure, event_trigger
from perdure.triggers import Trigger
from tests.sdk.fake_platform import FakePlatform

ON = event_trigger("user.created")


class User(BaseModel):
    id: int
    emails: list[Annotated[str, Field(min_length=3)]] = []


async def test_the_payload_is_decoded_by_the_annotation(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: User, io: IO) -> User:
        assert isinstance(payload, User)
        return payload

    reply = await platform.execute(app, platform.start("job", {"id": 1, "extra": True}))
    assert reply == {"status": "SUCCESS", "output": {"id": 1, "emails": []}}


async def test_without_an_annotation_the_triggers_schema_decodes(
    app: Perdure, platform: FakePlatform
) -> None:
    @app.job(id="job", version="1.0.0", on=event_trigger("x", schema=User))
    async def job(payload, io):  # type: ignore[no-untyped-def]
        return type(payload).__name__

    assert (await platform.execute(app, platform.start("job", {"id": 1})))["output"] == "User"


async def test_a_payload_that_does_not_fit_is_answered_with_its_paths(
    app: Perdure, platform: FakePlatform
) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: User, io: IO) -> None:
        raise AssertionError("not to be called")

    reply = await platform.execute(app, platform.start("job", {"id": "x", "emails": ["abc", "a"]}))
    assert reply == {
        "status": "INVALID_PAYLOAD",
        "errors": [
            {
                "path": ["id"],
                "message": "Input should be a valid integer, unable to parse string as an integer",
            },
            {"path": ["emails", 1], "message": "String should have at least 3 characters"},
        ],
    }


async def test_a_null_payload_is_an_empty_object(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> Any:
        return payload

    run = platform.start("job")
    run.payload = None
    assert (await platform.execute(app, run))["output"] == {}


async def test_an_output_that_is_not_json_fails_the_run(app: Perdure, platform: FakePlatform) -> None:
    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: Any, io: IO) -> Any:
        return object()

    reply = await platform.execute(app, platform.start("job"))
    assert reply["error"]["name"] == "UnserializableResult"
    assert "the output of job 'job'" in reply["error"]["message"]


def test_the_manifest_describes_a_job() -> None:
    app = Perdure("acme")

    @app.job(
        id="welcome",
        version="1.2.3-rc.1",
        name="Welcome mail",
        on=event_trigger(
            ["user.created", "user.invited"],
            source="shop",
            filter={"plan": ["pro"], "address": {"country": [{"$anythingBut": "nl"}]}},
            context_filter={"tenant": [1]},
        ),
        enabled=False,
    )
    async def job(payload: User, io: IO, ctx: Context) -> None: ...

    (metadata,) = app.manifest().to_wire()["jobs"]
    schema = metadata["event"].pop("schema")
    assert schema["properties"]["id"] == {"title": "Id", "type": "integer"}
    payload_filter = {"plan": ["pro"], "address": {"country": [{"$anythingBut": "nl"}]}}
    assert metadata == {
        "id": "welcome",
        "name": "Welcome mail",
        "version": "1.2.3-rc.1",
        "event": {
            "name": ["user.created", "user.invited"],
            "title": "Event",
            "source": "shop",
            "icon": "custom-event",
            "filter": payload_filter,
        },
        "trigger": {
            "type": "static",
            "title": "Event",
            "rule": {
                "event": ["user.created", "user.invited"],
                "source": "shop",
                "payload": payload_filter,
                "context": {"tenant": [1]},
            },
        },
        "integrations": {},
        "internal": False,
        "enabled": False,
        "startPosition": "latest",
        "preprocessRuns": False,
    }


def test_events_without_a_source_come_from_the_default_one() -> None:
    metadata = ON.metadata().to_wire()
    assert metadata["rule"] == {"event": "user.created", "source": "trigger.dev"}


def test_the_decorated_function_stays_callable_in_unit_tests() -> None:
    app = Perdure("acme")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: User, io: Any) -> int:
        """What it does."""
        return payload.id + 1

    assert asyncio.run(job(User(id=1), None)) == 2
    assert getattr(job, "__name__") == "job"  # noqa: B009
    assert job.__doc__ == "What it does."
    assert repr(job) == "<Job job 1.0.0>"


async def plain(payload: Any, io: IO) -> None: ...


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"id": "no spaces"}, "job id 'no spaces': use lower-case letters"),
        ({"id": ""}, "job id ''"),
        ({"id": "Upper"}, "job id 'Upper'"),
        ({"version": "1.0"}, "job 'job': version must be like '1.0.0', not '1.0'"),
        ({"version": "01.0.0"}, "version must be like"),
        ({"on": "user.created"}, "on= must be a trigger"),
        ({"integrations": ["github"]}, "'github' is not an integration"),
    ],
)
def test_wrong_declarations_are_refused(wrong: dict[str, Any], text: str) -> None:
    declaration: dict[str, Any] = {"id": "job", "version": "1.0.0", "on": ON, **wrong}
    with pytest.raises(ConfigurationError, match=text.replace("(", r"\(")):
        Perdure("acme").job(**declaration)(plain)


async def only_payload(payload: Any) -> None: ...


async def four(payload: Any, io: IO, ctx: Context, more: int) -> None: ...


async def keyword_only(payload: Any, io: IO, *, more: int) -> None: ...


@pytest.mark.parametrize(
    ("fn", "text"),
    [
        (only_payload, r"only_payload must take \(payload, io\) and what else it needs, not \(payload\)"),
        (four, r"nothing fills the parameter 'more'; annotate it Annotated\[…, Depends\(factory\)\]"),
        (keyword_only, "keyword_only: nothing fills the parameter 'more'"),
    ],
)
def test_a_function_of_another_shape_is_refused(fn: Any, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        Perdure("acme").job(id="job", version="1.0.0", on=ON)(fn)


def test_a_job_id_is_declared_once() -> None:
    app = Perdure("acme")
    app.job(id="job", version="1.0.0", on=ON)(plain)
    with pytest.raises(
        ConfigurationError, match=r"declared twice: .*test_jobs.py:\d+ and .*test_jobs.py:\d+"
    ):
        app.job(id="job", version="1.0.1", on=ON)(plain)


def test_an_app_id_that_does_not_fit_an_address_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="app id 'a/b'"):
        Perdure("a/b")


def test_an_annotation_that_cannot_be_resolved_says_how_to_fix_it() -> None:
    app = Perdure("acme")

    @app.job(id="job", version="1.0.0", on=ON)
    async def job(payload: "Missing", io: IO) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(
        ConfigurationError, match=r"'payload'.*cannot be resolved.*import the type at run time"
    ):
        app.manifest()


@pytest.mark.parametrize(
    ("event_filter", "text"),
    [
        ({"a": "x"}, r"filter\.a must be a list of values.*write \['x'\]"),
        ({"a": [{"$gt": "x"}]}, r"filter\.a\[0\]\.\$gt must be a number"),
        ({"a": [{"$nope": 1}]}, r"unknown operator '\$nope'"),
        ({"a": [{"$gt": 1, "$lt": 2}]}, r"filter\.a\[0\] must be one operator"),
        ({"a": [[1]]}, r"filter\.a may list strings, numbers and booleans only"),
        ({"a": {"b": [{"$between": [1]}]}}, r"filter\.a\.b\[0\]\.\$between must be a list of two numbers"),
        ({"a": [{"$exists": 1}]}, r"must be true or false"),
        ({"a": [{"$includes": [1]}]}, r"must be a string, number or boolean"),
        ({"a": [{"$anythingBut": [[]]}]}, r"must be a scalar or a list of scalars"),
        ({"a": [{"$startsWith": 1}]}, r"must be a string"),
        ({1: ["x"]}, r"the key 1 must be a string"),
        (["x"], r"filter must be a mapping"),
    ],
)
def test_a_filter_that_could_never_match_is_refused_with_its_place(event_filter: Any, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        event_trigger("x", filter=event_filter)


@pytest.mark.parametrize("name", ["", [], ["a", ""]])
def test_an_event_needs_a_name(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="name must be a name"):
        event_trigger(name)


def test_triggers_have_one_base() -> None:
    assert isinstance(ON, Trigger)
    assert ON.sources() == ()
