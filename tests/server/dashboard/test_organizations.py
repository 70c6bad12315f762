"""Organizations: who makes another one."""

from perdure_server.dashboard.csrf import token_of
from tests.server.dashboard.browser import words
from tests.server.dashboard.conftest import Office


async def test_the_first_owner_makes_another_organization_and_nobody_else_does(office: Office):
    owner = await office.visitor("first owner")
    page = "/dashboard/organizations"
    refused = await owner.send(page, page, title="Globex", slug="no spaces here")
    assert refused.status_code == 400
    assert "the slug must be 1 to 100 letters" in words(refused.text)
    made = await owner.send(page, page, title="Globex", slug="globex")
    assert made.headers["location"] == "/dashboard/orgs/globex"
    assert "Globex is made" in words((await owner.open(made.headers["location"])).text)

    admin = await office.visitor("owner")
    assert 'action="/dashboard/organizations"' not in (await admin.open(page)).text
    token = token_of(admin.client.cookies["perdure_session"])
    refused = await admin.post(page, csrf=token, title="Mine", slug="mine")
    assert refused.status_code == 409
    assert "Only the first owner makes organizations." in words(refused.text)
    assert (await owner.open("/dashboard/orgs/mine")).status_code == 404
