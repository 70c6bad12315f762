"""Organizations, members and the audit log, as people see and change them."""

from urllib.parse import urlsplit

from tests.server.dashboard.browser import PASSWORD, words
from tests.server.dashboard.conftest import Office, give_password
from tests.support.builders import Builders, job

ACME = "/dashboard/orgs/acme"
MEMBERS = f"{ACME}/members"
HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)> & {{ 7 * 7 }}"


async def invitation_link(office: Office, email: str, role: str = "viewer") -> str:
    browser = await office.visitor("first owner")
    page = await browser.send(MEMBERS, f"{MEMBERS}/invite", email=email, role=role)
    assert page.status_code == 200
    link = page.text.partition('id="link" value="')[2].partition('"')[0]
    assert link not in (await browser.open(MEMBERS)).text  # shown this once
    assert urlsplit(link).netloc == "perdure.test"
    return link.removeprefix("http://perdure.test")


async def test_an_invited_viewer_looks_and_changes_nothing(office: Office):
    link = await invitation_link(office, "bob@x.org")
    browser = office.browser()
    assert "Ann has invited bob@x.org to acme as a viewer" in words((await browser.open(link)).text)
    joined = await browser.send(link, "/dashboard/invitation", name="Bob", password=PASSWORD)
    assert joined.status_code == 303
    page = await browser.open(MEMBERS)
    assert "bob@x.org viewer" in words(page.text)
    assert "Invite somebody" not in page.text
    assert f'action="{MEMBERS}/leave"' in page.text
    assert page.text.count("<form") == 2  # to leave, to log out
    assert (await office.browser().open(link)).status_code == 404
    assert (await office.browser().log_in("bob@x.org")).status_code == 303


async def test_whoever_has_an_account_logs_in_to_accept(office: Office):
    bob = office.people.join("viewer", "bob@x.org")
    office.db.call("remove_member", office.people.owner, office.people.organization, bob)
    await give_password(office)
    link = await invitation_link(office, "bob@x.org", "admin")
    browser = office.browser()
    page = await browser.open(link)
    target = page.text.partition('class="button primary" href="')[2].partition('"')[0]
    let_in = await browser.send(target, "/dashboard/login", email="bob@x.org", password=PASSWORD)
    assert let_in.headers["location"] == link
    other = await office.visitor("viewer")
    assert "Log out first" in words((await other.open(link)).text)
    joined = await browser.send(link, "/dashboard/invitation")
    assert joined.status_code == 303
    assert office.people.roles()["bob@x.org"] == "admin"


async def test_an_invitation_that_cannot_be_made_says_why(office: Office):
    browser = await office.visitor("first owner")
    refused = await browser.send(MEMBERS, f"{MEMBERS}/invite", email="ann@x.org", role="viewer")
    assert refused.status_code == 400
    assert "Ann@x.org is a member: change the role instead." in words(refused.text)
    malformed = await browser.send(MEMBERS, f"{MEMBERS}/invite", email="bob", role="viewer")
    assert (malformed.status_code, 'value="bob"' in malformed.text) == (400, True)


async def test_roles_are_changed_members_removed_and_invitations_taken_back(office: Office):
    bob = office.people.join("viewer", "bob@x.org")
    await invitation_link(office, "eve@x.org")
    browser = await office.visitor("admin")
    changed = await browser.send(MEMBERS, f"{MEMBERS}/{bob}/role", role="member")
    assert (changed.status_code, changed.headers["location"]) == (303, MEMBERS)
    assert office.people.roles()["bob@x.org"] == "member"
    beyond = await browser.send(MEMBERS, f"{MEMBERS}/{bob}/role", role="owner")
    assert beyond.status_code == 409
    assert "Only an owner can" in words(beyond.text)
    await browser.send(MEMBERS, f"{MEMBERS}/{bob}/remove")
    (invitation,) = office.db.call("list_invitations", office.people.organization)
    await browser.send(MEMBERS, f"{MEMBERS}/invitations/{invitation.id}/revoke")
    assert office.db.call("list_invitations", office.people.organization) == []
    page = words((await browser.open(f"{ACME}/audit")).text)
    assert "admin@x.org member.change_role bob@x.org role was viewer → is member" in page
    assert "admin@x.org member.remove bob@x.org role was member" in page
    assert "admin@x.org invitation.revoke eve@x.org role was viewer" in page


async def test_a_member_leaves(office: Office):
    browser = await office.visitor("member")
    left = await browser.send(MEMBERS, f"{MEMBERS}/leave")
    assert left.headers["location"] == "/dashboard/"
    assert "You belong to no organization" in words((await browser.open("/dashboard/")).text)


async def test_projects_are_shown_with_their_environments(office: Office, builders: Builders):
    builders.endpoint(job("greet"), job("remind"))
    page = words((await (await office.visitor("viewer")).open(ACME)).text)
    assert "project-1 Development dev Jobs 2 Apps 1 Preview prev Jobs 0 Apps 0 Staging stg" in page


async def test_who_owns_several_organizations_chooses(office: Office):
    office.db.call("create_project", "other", "theirs")
    browser = await office.visitor("first owner")
    page = (await browser.open("/dashboard/")).text
    assert f'href="{ACME}"' in page
    assert 'href="/dashboard/orgs/other"' in page
    assert (await browser.open("/dashboard")).headers["location"] == "/dashboard/"


async def test_the_audit_log_goes_on_page_by_page(office: Office):
    for number in range(60):
        office.db.call(
            "audit", office.people.owner, office.people.organization, "run.cancel", f"run-{number:02}"
        )
    browser = await office.visitor("first owner")
    first = (await browser.open(f"{ACME}/audit")).text
    assert [f"run-{number:02}" in first for number in (59, 10, 9)] == [True, True, False]
    older = first.partition('" rel="next"')[0].rpartition('"')[2]
    second = (await browser.open(older)).text
    assert [f"run-{number:02}" in second for number in (10, 9, 0)] == [False, True, True]
    assert 'rel="next"' not in second
    assert (await browser.open(f"{ACME}/audit?below=nonsense")).status_code == 400


async def test_hostile_names_are_shown_as_text(office: Office, builders: Builders):
    db, people = office.db, office.people
    bob = people.join("viewer", "<b>bob</b>@x.org")
    db.execute("update perdure.users set name = %s", HOSTILE)
    db.execute("update perdure.organizations set title = %s", HOSTILE)
    builders.environment()
    db.execute("update perdure.projects set slug = %s", HOSTILE)
    db.call("invite_member", people.owner, people.organization, "<i>eve</i>@x.org")
    db.call("audit", bob, people.organization, "run.edit", HOSTILE, {HOSTILE: HOSTILE}, {"x": [HOSTILE]})
    browser = await office.visitor("first owner")
    for page in ("", "/members", "/audit"):
        text = (await browser.open(f"{ACME}{page}")).text
        assert "&lt;script&gt;" in text
        assert "{{ 7 * 7 }}" in text
        for forbidden in ("<script>alert", "<img src=x", "<b>bob", "<i>eve"):
            assert forbidden not in text, page
