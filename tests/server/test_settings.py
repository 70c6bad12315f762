import pytest

from perdure_engine.sealing import new_secret_key
from perdure_server.rate_limit import RateLimit
from perdure_server.settings import InvalidSettings, OidcSettings, Settings

SECRET_KEY = new_secret_key()
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
            "PERDURE_RATE_LIMIT": "750+250/10s",
            "PERDURE_SECRET_KEYS": SECRET_KEY,
            "PERDURE_PASSWORD_LOGIN": "0",
            "PERDURE_OIDC_ISSUER": "https://id.example.com/",
            "PERDURE_OIDC_CLIENT_ID": "dashboard",
            "PERDURE_OIDC_CLIENT_SECRET": "secret",
            "PERDURE_OIDC_NAME": "Acme ID",
            "PERDURE_OIDC_SCOPES": "openid email",
            "PERDURE_OIDC_DOMAINS": "example.com, Example.org",
            "PERDURE_OIDC_ORGANIZATION": "acme",
            "PERDURE_OIDC_ROLE": "member",
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
        rate_limit=RateLimit(burst=750, refill=250, period_s=10),
        secret_keys=SECRET_KEY,
        password_login=False,
        oidc=OidcSettings(
            "https://id.example.com/",
            "dashboard",
            "secret",
            name="Acme ID",
            scopes="openid email",
            domains=("example.com", "example.org"),
            organization="acme",
            role="member",
        ),
    )
    assert "secret" not in repr(settings.oidc).replace("client_secret", "")


def test_an_empty_variable_counts_as_absent():
    assert Settings.from_environment({"PERDURE_DATABASE_URL": URL, "PERDURE_POOL_SIZE": ""}).pool_size == 10


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("PERDURE_DATABASE_URL", "mysql://x", "must start with postgresql://"),
        ("PERDURE_PUBLIC_URL", "jobs.example.com", "must be http://host or https://host"),
        ("PERDURE_PUBLIC_URL", "https://jobs.example.com/?x=1", "must be http://host or https://host"),
        ("PERDURE_RATE_LIMIT", "250", "must be such as 750.250/10s"),
        ("PERDURE_POOL_SIZE", "0", "whole number above 0"),
        ("PERDURE_POOL_SIZE", "many", "whole number above 0, not 'many'"),
        ("PERDURE_DATABASE_TIMEOUT_S", "-1", "number of seconds above 0"),
        ("PERDURE_ENDPOINT_TIMEOUT_S", "nan", "number of seconds above 0"),
        ("PERDURE_ENDPOINT_TIMEOUT_S", "soon", "number of seconds above 0"),
        ("PERDURE_ACCESS_LOG", "maybe", "must be 1 or 0"),
        ("PERDURE_PASSWORD_LOGIN", "0", "nobody could log in"),
        ("PERDURE_OIDC_CLIENT_ID", "dashboard", "and PERDURE_OIDC_CLIENT_SECRET"),
        ("PERDURE_OIDC_ISSUER", "http://id.example.com", "must be such as https://id.example.com"),
        ("PERDURE_OIDC_ISSUER", "id.example.com", "must be such as https://id.example.com"),
        ("PERDURE_OIDC_SCOPES", "email", "must have openid among its words"),
        ("PERDURE_OIDC_DOMAINS", "ann@example.com", "must be such as example.com"),
        ("PERDURE_OIDC_ROLE", "owner", "must be admin, member or viewer"),
        pytest.param(
            "PERDURE_SECRET_KEYS",
            f"{SECRET_KEY},short",
            "key 2 is not 32 bytes",
            id="PERDURE_SECRET_KEYS",  # the key is another one in each process
        ),
    ],
)
def test_a_wrong_variable_is_named_with_the_fix(name, value, problem):
    with pytest.raises(InvalidSettings, match=f"{name}.*{problem}"):
        Settings.from_environment({"PERDURE_DATABASE_URL": URL, name: value})


def test_a_missing_database_is_named():
    with pytest.raises(InvalidSettings, match="PERDURE_DATABASE_URL is not set"):
        Settings.from_environment({})


def test_passwords_and_keys_are_not_shown():
    url = "postgresql://user:hunter2@host/db"
    settings = Settings.from_environment({"PERDURE_DATABASE_URL": url, "PERDURE_SECRET_KEYS": SECRET_KEY})
    assert "hunter2" not in repr(settings)
    assert SECRET_KEY not in repr(settings)
