"""``python -m tests.support.fakes.github``: the fake GitHub as a process; prints its URL."""

from __future__ import annotations

from tests.support.fakes.github.service import BOT_TOKEN, USER_TOKEN, FakeGitHub
from tests.support.fakes.service import run_standalone, standalone_parser


def main() -> None:
    """Serve until terminated."""
    parser = standalone_parser("A fake GitHub.")
    parser.add_argument("--repo", action="append", help="owner/name, repeatable (default acme/site)")
    parser.add_argument("--collaborator", action="append", help="a login that can be assigned, repeatable")
    parser.add_argument("--bot-token", default=BOT_TOKEN, help="token of perdure-bot (default %(default)s)")
    parser.add_argument("--user-token", default=USER_TOKEN, help="token of mona (default %(default)s)")
    arguments = parser.parse_args()
    service = FakeGitHub(
        arguments.repo or ["acme/site"],
        tokens={arguments.bot_token: "perdure-bot", arguments.user_token: "mona"},
        collaborators=arguments.collaborator or ["matt", "mona"],
    )
    run_standalone(service, arguments)


if __name__ == "__main__":
    main()
