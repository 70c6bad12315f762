"""The runs of all cases that this session tests, in all hosts, side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.support.fix_database import TestServer

from .define import Case
from .drive import Results, run_all
from .service import running_service
from .system import Platform


@pytest.fixture(scope="package")
def platform(
    postgres_server: TestServer, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """Server and dispatcher over a database of their own."""
    name = f"perdure_behaviour_{uuid4().hex[:12]}"
    folder = tmp_path_factory.mktemp("behaviour")
    with (
        postgres_server.janitor(name, template_database),
        running_service() as service_url,
        Platform(postgres_server.url(name), folder, service_url).running() as platform,
    ):
        yield platform


@pytest.fixture(scope="package")
def results(request: pytest.FixtureRequest, platform: Platform) -> Results:
    """How the run of each case ended, in each host."""
    wanted: dict[str, list[Case]] = defaultdict(list)
    for item in request.session.items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        if isinstance(parameters.get("case"), Case):
            wanted[parameters["host"]].append(parameters["case"])
    hosts = {name: platform.start_host(name) for name in wanted}
    for host in hosts.values():
        host.register()
    return run_all(platform, {hosts[name]: cases for name, cases in wanted.items()})
