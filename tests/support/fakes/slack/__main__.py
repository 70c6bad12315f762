"""``python -m tests.support.fakes.slack``: the fake Slack as a process; prints its URL."""

from __future__ import annotations

from tests.support.fakes.service import run_standalone, standalone_parser
from tests.support.fakes.slack.service import BOT_TOKEN, CHANNEL, FakeSlack


def main() -> None:
    """Serve until terminated."""
    parser = standalone_parser("A fake Slack. Its Web API is below /api/ of the URL printed.")
    parser.add_argument("--token", default=BOT_TOKEN, help="the bot's token (default %(default)s)")
    parser.add_argument("--channel", action="append", help=f"a channel id, repeatable (default {CHANNEL})")
    arguments = parser.parse_args()
    run_standalone(FakeSlack(tokens=[arguments.token], channels=arguments.channel or [CHANNEL]), arguments)


if __name__ == "__main__":
    main()
