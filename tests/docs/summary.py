"""At the end of a session that tested pages: which of their blocks no test runs."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name them; in a plugin of all tests, since of several processes the first does not read this folder."""
    reports = terminalreporter.getreports("passed")
    if not any(report.nodeid.startswith("tests/docs/test_pages.py") for report in reports):
        return
    from tests.docs.pages import left_out

    lines = left_out()
    terminalreporter.section(f"blocks of the docs that are not run: {len(lines)}")
    for line in lines:
        terminalreporter.line(line)
