"""People of an organization, as the functions of accounts make them."""

from dataclasses import dataclass
from typing import Any

from tests.support.database import Database

HASH = "$argon2id$v=19$m=65536,t=3,p=4$made$up"


@dataclass(frozen=True, slots=True)
class People:
    """An organization with its first owner, and whom they invite."""

    db: Database
    owner: str
    organization: str

    def join(self, role: str, email: str | None = None) -> str:
        """Somebody who accepts an invitation; returns the user's id."""
        secret = self.db.call("invite_member", self.owner, self.organization, email or f"{role}@x.org", role)
        user_id: str = self.db.call("accept_invitation", secret, None, role.title(), HASH)
        return user_id

    def roles(self) -> dict[str, str]:
        """Email -> role."""
        return {row.email: row.role for row in self.db.call("list_members", self.organization)}

    def log(self) -> list[tuple[Any, ...]]:
        """Who did what to which object, newest first."""
        rows = self.db.call("list_audit_log", self.organization)
        return [(row.user_email, row.action, row.object, row.before, row.after) for row in rows]


def found(db: Database) -> People:
    """Make the first owner, ann@x.org, and the organization acme."""
    owner = db.call(
        "create_owner", db.call("create_owner_link"), "ann@x.org", "Ann", HASH, organization="acme"
    )
    return People(db, owner, db.call("list_organizations", owner)[0].id)
