"""The repository works everywhere: it names no package index and no folder of somebody's machine."""

import re

import pytest

from tests.repo.tree import ROOT, files, relative

# The backslashes keep these patterns from matching themselves.
HOSTS = [
    r"pypi\.(?:org|io|python\.org)",
    r"pythonhosted\.org",
    r"registry\.(?:npmjs|yarnpkg)\.",
    r"npmjs\.(?:org|com)",
    r"(?:deb|security|ftp)\.debian\.org",
    r"crates\.io",
    r"proxy\.golang\.",
]
FOLDERS = r"(?<![\w.$}/-])/(?:home|root|Users|work|opt)/\w"
OPTIONS = r"--(?:extra-)?index-url|--find-links|--trusted-host"
FORBIDDEN = re.compile("|".join([*HOSTS, FOLDERS]))


def lines_of_the_repository() -> list[tuple[str, int, str]]:
    found = []
    for path in files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        found += [(relative(path), number, line) for number, line in enumerate(text.splitlines(), 1)]
    return found


def test_no_file_names_a_package_index_or_a_folder_of_a_machine() -> None:
    lines = lines_of_the_repository()
    assert any(path == "Makefile" for path, _, _ in lines)
    bad = [f"{path}:{number}: {line.strip()[:120]}" for path, number, line in lines if FORBIDDEN.search(line)]
    assert bad == []


@pytest.mark.parametrize("name", ["runtime.in", "runtime.txt", "dev.in", "dev.txt"])
def test_requirements_leave_the_index_to_the_reader(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text("utf-8")
    assert re.findall(OPTIONS, text) == []
    assert re.findall(r"\w+://\S+", text) == []


@pytest.mark.parametrize(
    "line",
    [
        "see " + "https://pypi." + "org/simple",
        "cached in " + "/ho" + "me/someone/.cache",
        "path = '" + "/wo" + "rk/main'",
    ],
)
def test_the_pattern_finds_what_it_is_for(line: str) -> None:
    assert FORBIDDEN.search(line)


@pytest.mark.parametrize("line", ["https://example.com/home/x", "${ROOT}/work/x", "src/work/a", "a/root/b"])
def test_the_pattern_leaves_the_rest(line: str) -> None:
    assert not FORBIDDEN.search(line)
