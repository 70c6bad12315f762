from perdure_server.settings import Settings
from tests.server.conftest import error_of, serving
from tests.support.database import Database


async def test_a_server_over_a_migrated_database_is_alive_and_ready(server):
    for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
        response = await server.client.get(path, headers={"authorization": ""})
        assert (response.status_code, response.json()) == (200, {"status": status})


async def test_a_server_over_a_database_that_lost_its_schema_is_alive_but_not_ready(db: Database):
    async with serving(Settings(db.url)) as (_, client):
        db.execute("alter function perdure.authenticate(text) rename to authenticate_no_more")
        response = await client.get("/readyz")
        assert "perdure migrate" in error_of(response, 503, "NOT_MIGRATED")
        assert response.headers["retry-after"] == "1"
        assert (await client.get("/healthz")).status_code == 200


async def test_a_server_over_a_database_of_an_older_release_is_not_ready(db: Database):
    async with serving(Settings(db.url)) as (_, client):
        db.execute("delete from perdure.migrations")
        response = await client.get("/readyz")
        assert "the database lacks 0001_initial: run `perdure migrate`" in error_of(
            response, 503, "NOT_MIGRATED"
        )


async def test_the_public_url_is_told_to_the_engine(db: Database):
    async with serving(Settings(db.url, public_url="https://jobs.example.com")):
        assert (
            db.value("select value from perdure.settings where name = 'public_url'")
            == "https://jobs.example.com"
        )
