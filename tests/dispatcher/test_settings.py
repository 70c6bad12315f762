from __future__ import annotations

import pytest

from perdure_dispatcher.settings import InvalidSettings, Settings
from perdure_engine.sealing import new_secret_key

SECRET_KEY = new_secret_key()
DATABASE = {"PERDURE_DATABASE_URL": "postgresql://localhost/perdure"}


def test_every_setting_is_read_from_its_variable() -> None:
    variables = DATABASE | {
        "PERDURE_SLOTS": "7",
        "PERDURE_DELIVERY_SLOTS": "3",
        "PERDURE_DISPATCHER_NAME": "mine",
        "PERDURE_MAX_SLEEP_S": "2.5",
        "PERDURE_DRAIN_S": "0",
        "PERDURE_LEASE_MARGIN_S": "20",
        "PERDURE_MAX_RESPONSE_BYTES": "4096",
        "PERDURE_DATABASE_WAIT_S": "3",
        "PERDURE_FETCH_PRIVATE": "no",
        "PERDURE_SECRET_KEYS": SECRET_KEY,
    }
    assert Settings.from_environment(variables) == Settings(
        database_url="postgresql://localhost/perdure",
        slots=7,
        delivery_slots=3,
        name="mine",
        max_sleep_s=2.5,
        drain_s=0.0,
        lease_margin_s=20.0,
        max_response_bytes=4096,
        database_wait_s=3.0,
        fetch_private=False,
        secret_keys=SECRET_KEY,
    )


def test_defaults_are_the_same_from_variables_and_from_arguments() -> None:
    given = Settings.from_environment(DATABASE)
    assert given == Settings(DATABASE["PERDURE_DATABASE_URL"], name=given.name)


def test_two_dispatchers_have_different_names() -> None:
    assert Settings("postgresql:///").name != Settings("postgresql:///").name


def test_database_url_may_come_from_the_common_variable_and_ours_wins() -> None:
    common = {"DATABASE_URL": "postgresql:///common"}
    assert Settings.from_environment(common).database_url == "postgresql:///common"
    assert Settings.from_environment(common | DATABASE).database_url == DATABASE["PERDURE_DATABASE_URL"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PERDURE_DATABASE_URL", "", "PERDURE_DATABASE_URL is not set"),
        ("PERDURE_SLOTS", "many", "PERDURE_SLOTS must be a whole number, not 'many'"),
        ("PERDURE_SLOTS", "0", "PERDURE_SLOTS must be in 1..10000, not 0"),
        ("PERDURE_DELIVERY_SLOTS", "-1", "PERDURE_DELIVERY_SLOTS must be in 1..10000, not -1"),
        (
            "PERDURE_DISPATCHER_NAME",
            "x" * 201,
            "PERDURE_DISPATCHER_NAME must have 1 to 200 characters, not 201",
        ),
        ("PERDURE_MAX_SLEEP_S", "soon", "PERDURE_MAX_SLEEP_S must be a number of seconds, not 'soon'"),
        ("PERDURE_MAX_SLEEP_S", "nan", "PERDURE_MAX_SLEEP_S must be in 0.1..3600, not nan"),
        ("PERDURE_DRAIN_S", "-1", "PERDURE_DRAIN_S must be in 0..3600, not -1"),
        ("PERDURE_LEASE_MARGIN_S", "0", "PERDURE_LEASE_MARGIN_S must be in 1..3600, not 0"),
        (
            "PERDURE_MAX_RESPONSE_BYTES",
            "10",
            "PERDURE_MAX_RESPONSE_BYTES must be in 1024..1.07374e+09, not 10",
        ),
        ("PERDURE_DATABASE_WAIT_S", "0", "PERDURE_DATABASE_WAIT_S must be in 0.1..3600, not 0"),
        ("PERDURE_FETCH_PRIVATE", "false", "PERDURE_FETCH_PRIVATE must be yes or no, not 'false'"),
        pytest.param(
            "PERDURE_SECRET_KEYS",
            f"{SECRET_KEY},short",
            "PERDURE_SECRET_KEYS: key 2 is not 32 bytes",
            id="PERDURE_SECRET_KEYS",  # the key is another one in each process
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_the_fix(name: str, value: str, said: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        Settings.from_environment(DATABASE | {name: value})
    assert said in str(raised.value)


def test_passwords_and_keys_are_not_shown() -> None:
    secrets = {"PERDURE_DATABASE_URL": "postgresql://user:hunter2@host/db", "PERDURE_SECRET_KEYS": SECRET_KEY}
    shown = repr(Settings.from_environment(secrets))
    assert ("hunter2" in shown, SECRET_KEY in shown) == (False, False)
