"""describe_environment: what GET /api/v1/whoami shows."""

from tests.support.builders import Builders
from tests.support.database import Database
from tests.support.refusals import refused


def test_it_names_project_and_organization(db: Database) -> None:
    environment = Builders(db).environment(project="shop")
    described = db.call("describe_environment", environment.id)
    assert (described["id"], described["slug"], described["type"]) == (environment.id, "dev", "DEVELOPMENT")
    assert (described["project"]["slug"], described["organization"]["slug"]) == ("shop", "acme")


def test_it_shows_the_newest_public_key_in_force(db: Database) -> None:
    environment = Builders(db).environment(project="shop")

    def shown() -> str:
        key: str = db.call("describe_environment", environment.id)["pkApiKey"]
        return key

    first = shown()
    assert first.startswith("pk_dev_")
    assert [row.environment_id for row in db.call("authenticate", first)] == [environment.id]
    newer = db.call("create_api_key", environment.id, "PUBLIC")
    assert shown() == newer
    db.call("revoke_api_key", newer)
    assert shown() == first
    db.call("revoke_api_key", first)
    assert shown() == ""


def test_an_unknown_environment_is_refused(db: Database) -> None:
    with refused("JQ001", "environment"):
        db.call("describe_environment", "0192e000-0000-7000-8000-000000000000")
