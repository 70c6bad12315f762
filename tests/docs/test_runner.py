"""The tests of pages find what is wrong with a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from perdure.testing import Platform
from tests.docs.pages import BadPage, read_page
from tests.docs.running import PageRun

RunPage = Callable[[str], Awaitable[None]]


@pytest.fixture
def page_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tests.docs.pages.ROOT", folder)
    return folder / "page.md"


@pytest.fixture
def run_page(page_file: Path, request: pytest.FixtureRequest) -> RunPage:
    def new_platform() -> Platform:
        platform: Platform = request.getfixturevalue("perdure_platform")
        return platform

    async def run(text: str) -> None:
        page_file.write_text(text)  # noqa: ASYNC240
        await PageRun(read_page(page_file), page_file.parent, new_platform).run()

    return run


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("```python\n1 / 0\n```\n", "division by zero"),
        ("```python\ndef forgotten() -> None:\n    print()\n```\n", "never called: forgotten"),
        ("```python\nn = 1\n```\n\n<!-- test\nassert n == 2, 'not two'\n-->\n", "not two"),
        (
            "```python\n# shop.py\nn = 1\n```\n\n```python\nimport shop\n\nassert shop.n == 2, 'no'\n```\n",
            "no",
        ),
        ("```console\n$ perdure trigger --nonsense\n```\n", "No such option"),
        ("```console\n$ perdure frobnicate\n```\n", "No such command"),
        ("```console\n$ make nothing\n```\n", "there is no make nothing"),
        ("<!-- run -->\n```console\n$ exit 3\n```\n", "exit 3"),
        ("<!-- run -->\n```console\n$ echo a b c\na … d\n```\n", "in the output"),
        ("```sql\nselect nonsense;\n```\n", "nonsense"),
        ("```json\n{\n```\n", "Expecting"),
        ("```rust\n```\n", "nobody tests blocks of 'rust'"),
        ("```\nx\n```\n", "name the block's language"),
        ("text\n\n    indented\n", "put the block between"),
        ("<!-- no test: why -->\n", "stands above no block"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_a_page_that_is_wrong_fails(text: str, problem: str, run_page: RunPage) -> None:
    with pytest.raises(Exception, match=problem):
        await run_page(text)


async def test_a_page_that_is_right_passes(run_page: RunPage) -> None:
    await run_page(RIGHT)


RIGHT = """\
# A page

```python
# shop.py
from perdure import IO, Perdure, event_trigger

app = Perdure("shop")


@app.job(id="double", version="1.0.0", on=event_trigger("number"))
async def double(payload: int, io: IO) -> int:
    return await io.run_task("double", lambda: payload * 2)
```

<!-- test
run = await platform.start(double, 21)
assert run.output == 42
-->

```python
await app.send_event("number", 4)
```

<!-- test
import shop

assert shop.app is app
await platform.settle()
assert [run.output for run in platform.runs] == [42, 8]
assert (folder / "shop.py").read_text().startswith("# shop.py")
assert sql("select count(*) as runs from perdure_views.runs") == [{"runs": 2}]
-->

<!-- test sql
create table orders (id int);
-->

```sql
insert into public.orders values (1);
```

<!-- run -->
```console
$ python -c 'import shop; print("app", shop.app.id, \\
    "is there")'
app … is there
```

<!-- no test: it says so -->
```python
1 / 0
```
"""


def test_blocks_know_their_lines(page_file: Path) -> None:
    page_file.write_text("# A page\n\n```python\nn = 1\n```\n\n<!-- test\n\nassert n\n-->\n")
    blocks = read_page(page_file).blocks
    assert [(block.code.strip(), block.line, block.hidden) for block in blocks] == [
        ("n = 1", 4, False),
        ("assert n", 9, True),
    ]
    page_file.write_text("<!-- run -->\n\n<!-- test\n1\n-->\n")
    with pytest.raises(BadPage):
        read_page(page_file)
