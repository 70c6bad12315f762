"""Every distribution has what its users count on: types, a readme, one version, an honest ``__all__``."""

import ast
from pathlib import Path

import pytest

from perdure.wire.headers import VERSION
from tests.repo.tree import Member, files, members, relative

each_member = pytest.mark.parametrize("member", members(), ids=lambda member: member.name)


def package_files() -> list[Path]:
    return [path for member in members() for path in files(member.source) if path.name == "__init__.py"]


def modules() -> list[Path]:
    return [path for member in members() for path in files(member.source) if path.suffix == ".py"]


def test_the_members_are_found() -> None:
    assert {"perdure", "perdure-engine", "perdure-server"} <= {member.name for member in members()}


@each_member
def test_it_has_types_a_readme_and_a_package_of_its_name(member: Member) -> None:
    assert (member.source / "py.typed").is_file(), "type checkers ignore the hints without py.typed"
    assert (member.source / "__init__.py").is_file()
    assert (member.folder / member.project["readme"]).read_text("utf-8").startswith(f"# {member.name}\n")


@each_member
def test_all_members_have_one_version_and_accept_the_same_pythons(member: Member) -> None:
    first = members()[0].project
    assert member.project["version"] == first["version"]
    assert member.project["requires-python"] == ">=3.11"
    assert member.project["license"] == "Apache-2.0"


def test_the_sdk_tells_the_platform_the_version_that_it_has() -> None:
    assert {member.project["version"] for member in members() if member.name == "perdure"} == {VERSION}


@pytest.mark.parametrize("path", package_files(), ids=relative)
def test_all_lists_what_the_package_imports(path: Path) -> None:
    """``__all__`` holds exactly what ``__init__`` imports from our modules or defines, without ``_names``."""
    module = ast.parse(path.read_text("utf-8"))
    listed: list[str] | None = None
    public: set[str] = set()
    for node in [*module.body, *imported_later(module)]:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")]):
                listed = ast.literal_eval(node.value)
            case ast.ImportFrom(level=level, module=source) if level or is_ours(source):
                public |= {alias.asname or alias.name for alias in node.names}
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                public.add(name)
            case ast.Assign(targets=targets):
                public |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                public.add(name)
    public = {name for name in public if not name.startswith("_")}
    assert listed is not None or not public, "give it __all__"
    if listed is not None:
        assert len(listed) == len(set(listed))
        assert {name for name in listed if not name.startswith("__")} == public


def imported_later(module: ast.Module) -> list[ast.stmt]:
    """What stands under ``if TYPE_CHECKING``: a package imports it when it is first asked for."""
    return [
        node
        for block in module.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
    ]


def is_ours(source: str | None) -> bool:
    return source is not None and source.split(".")[0] in {member.package for member in members()}


@pytest.mark.parametrize("path", modules(), ids=relative)
def test_a_module_says_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert docstring
    assert docstring.splitlines()[0].endswith((".", ":", "?")), "its first line is a sentence"
