import pytest

from perdure_server.settings import InvalidSettings, Settings

URL = "postgresql://me@localhost:5432/perdure"


def test_only_the_database_is_needed():
    settings = Settings.from_environment({"PERDURE_DATABASE_URL": URL})
    assert settings == Settings(database_url=URL)
    assert settings.json_body_limit == 3 * 1024 * 1024
    assert settings.webhook_body_limit == 25 * 1024 * 1024


def test_database_url_stands_in_for_perdure_database_url():
    assert Settings.from_environment({"DATABASE_URL": URL}).database_url == URL
    both = {"DATABASE_URL": "postgresql://other/x", "PERDURE_DATABASE_URL": URL}
    assert Settings.from_environment(both).database_url == URL


def test_every_variable_is_read():
    settings = Settings.from_environment(
        {
            "PERDURE_DATABASE_URL": URL,
            "PERDURE_PUBLIC_URL": "https://jobs.example.com/",
            "PERDURE_POOL_SIZE": "3",
            "PERDURE_DATABASE_TIMEOUT_S": "1.5",
            "PERDURE_JSON_BODY_LIMIT": "100",
            "PERDURE_WEBHOOK_BODY_LIMIT": "200",
            "PERDURE_ENDPOINT_TIMEOUT_S": "2",
            "PERDURE_ENDPOINT_ANSWER_LIMIT": "300",
            "PERDURE_ACCESS_LOG": "0",
        }
    )
    assert settings == Settings(
        database_url=URL,
        public_url="https://jobs.example.com",
        pool_size=3,
        database_timeout_s=1.5,
        json_body_limit=100,
        webhook_body_limit=200,
        endpoint_timeout_s=2.0,
        endpoint_answer_limit=300,
        access_log=False,
    )


def test_an_empty_variable_counts_as_absent():
    assert Settings.from_environment({"PERDURE_DATABASE_URL": URL, "PERDURE_POOL_SIZE": ""}).pool_size == 10


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("PERDURE_DATABASE_URL", "mysql://x", "must start with postgresql://"),
        ("PERDURE_PUBLIC_URL", "jobs.example.com", "must be http://host or https://host"),
        ("PERDURE_PUBLIC_URL", "https://jobs.example.com/?x=1", "must be http://host or https://host"),
        ("PERDURE_POOL_SIZE", "0", "whole number above 0"),
        ("PERDURE_POOL_SIZE", "many", "whole number above 0, not 'many'"),
        ("PERDURE_DATABASE_TIMEOUT_S", "-1", "number of seconds above 0"),
        ("PERDURE_ENDPOINT_TIMEOUT_S", "nan", "number of seconds above 0"),
        ("PERDURE_ENDPOINT_TIMEOUT_S", "soon", "number of seconds above 0"),
        ("PERDURE_ACCESS_LOG", "maybe", "must be 1 or 0"),
    ],
)
def test_a_wrong_variable_is_named_with_the_fix(name, value, problem):
    with pytest.raises(InvalidSettings, match=f"{name}.*{problem}"):
        Settings.from_environment({"PERDURE_DATABASE_URL": URL, name: value})


def test_a_missing_database_is_named():
    with pytest.raises(InvalidSettings, match="PERDURE_DATABASE_URL is not set"):
        Settings.from_environment({})


def test_the_database_url_with_its_password_is_not_shown():
    settings = Settings.from_environment({"PERDURE_DATABASE_URL": "postgresql://user:hunter2@host/db"})
    assert "hunter2" not in repr(settings)
