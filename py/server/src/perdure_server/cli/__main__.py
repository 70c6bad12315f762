"""``python -m perdure_server.cli``: the ``perdure`` command, found through the interpreter that runs it."""

from perdure_server.cli import main

if __name__ == "__main__":
    main()
