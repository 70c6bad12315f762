"""Who belongs to an organization: members, their roles, invitations."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from perdure_engine import members, password_resets
from perdure_engine.errors import InvalidArgument, KeyConflict, WrongState
from perdure_server.dashboard import passwords, paths
from perdure_server.dashboard.access import Needs, Page, Visit
from perdure_server.dashboard.origin import base_url
from perdure_server.dashboard.rendering import render

ROLES = {
    "owner": "everything, other owners included",
    "admin": "everything but owners",
    "member": "work with jobs, runs and keys",
    "viewer": "look, change nothing",
}
"""The roles, and what each may do."""


async def show_members(visit: Visit) -> Response:
    """Members and open invitations; with forms for who may change them."""
    return await _members(visit)


async def invite(visit: Visit) -> Response:
    """Make an invitation, and show its link, this once."""
    email, role = visit.form.get("email", "").strip(), visit.form.get("role", "")
    try:
        async with visit.connection() as conn:
            secret = await members.invite_member(
                conn, visit.person.id, visit.place.id, email=email, role=role
            )
    except (InvalidArgument, KeyConflict, WrongState) as error:
        text = error.message
        return await _members(visit, problem=text[:1].upper() + text[1:] + ".", status=400)
    link = base_url(visit.request) + paths.with_query(paths.INVITATION, link=secret)
    return await _members(visit, receiver=email, link=link, is_invitation=True)


async def reset_password(visit: Visit) -> Response:
    """Make a link by which a member chooses another password, and show it, this once."""
    passwords.need_to_be_on(visit.request)
    user_id = visit.request.path_params["user_id"]
    async with visit.connection() as conn:
        secret = await password_resets.create_password_reset(conn, visit.person.id, visit.place.id, user_id)
        found = await members.list_members(conn, visit.place.id)
    receiver = next(member.email for member in found if member.user_id == user_id)
    link = base_url(visit.request) + paths.with_query(paths.PASSWORD_RESET, link=secret)
    return await _members(visit, receiver=receiver, link=link)


async def change_role(visit: Visit) -> Response:
    """Give a member another role."""
    async with visit.connection() as conn:
        await members.change_member_role(
            conn,
            visit.person.id,
            visit.place.id,
            visit.request.path_params["user_id"],
            visit.form.get("role", ""),
        )
    return _back(visit)


async def remove(visit: Visit) -> Response:
    """End a membership."""
    async with visit.connection() as conn:
        await members.remove_member(
            conn, visit.person.id, visit.place.id, visit.request.path_params["user_id"]
        )
    return _back(visit)


async def leave(visit: Visit) -> Response:
    """End one's own membership."""
    async with visit.connection() as conn:
        await members.remove_member(conn, visit.person.id, visit.place.id, visit.person.id)
    return RedirectResponse(paths.HOME, status_code=303)


async def revoke(visit: Visit) -> Response:
    """Take an invitation back."""
    async with visit.connection() as conn:
        await members.revoke_invitation(
            conn, visit.person.id, visit.place.id, visit.request.path_params["invitation_id"]
        )
    return _back(visit)


async def _members(
    visit: Visit,
    *,
    problem: str | None = None,
    receiver: str = "",
    link: str = "",
    is_invitation: bool = False,
    status: int = 200,
) -> Response:
    async with visit.connection() as conn:
        found = await members.list_members(conn, visit.place.id)
        invitations = await members.list_invitations(conn, visit.place.id)
    return render(
        visit,
        "members.html",
        status=status,
        members=found,
        invitations=invitations,
        roles={role: meaning for role, meaning in ROLES.items() if role != "owner" or visit.may(Needs.OWNER)},
        given=visit.form,
        problem=problem,
        receiver=receiver,
        link=link,
        is_invitation=is_invitation,
        with_password=passwords.are_on(visit.request),
    )


def _back(visit: Visit) -> Response:
    return RedirectResponse(paths.organization_path(visit.place.slug, "/members"), status_code=303)


_PATH = "/orgs/{organization}/members"
PAGES = (
    Page(_PATH, show_members, Needs.VIEWER),
    Page(f"{_PATH}/invite", invite, Needs.ADMIN, "POST"),
    Page(f"{_PATH}/leave", leave, Needs.VIEWER, "POST"),
    Page(f"{_PATH}/{{user_id}}/role", change_role, Needs.ADMIN, "POST"),
    Page(f"{_PATH}/{{user_id}}/password-reset", reset_password, Needs.ADMIN, "POST"),
    Page(f"{_PATH}/{{user_id}}/remove", remove, Needs.ADMIN, "POST"),
    Page(f"{_PATH}/invitations/{{invitation_id}}/revoke", revoke, Needs.ADMIN, "POST"),
)
