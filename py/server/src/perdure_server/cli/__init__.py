"""The ``perdure`` command: one module a subcommand."""

__all__ = ["main"]


def main() -> None:
    """Run the command line; ends the process with 0 done, 1 refused, 2 wrong usage."""
    from perdure_server.cli.command import run  # here: a child process of ours needs none of the commands

    run()
