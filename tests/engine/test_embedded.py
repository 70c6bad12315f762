"""The embedded server: shared by processes, gone with the last of them, and at home in closed folders."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from perdure_engine.embedded import (
    FAST_SETTINGS,
    EmbeddedPostgres,
    EmbeddedPostgresError,
    binaries,
    relocation,
)
from perdure_engine.embedded.system_user import SystemUser, server_user
from tests.engine.conftest import MakeServer
from tests.support.waiting import eventually

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")

USE_UNTIL_STDIN_ENDS = """
import sys
from perdure_engine.embedded import EmbeddedPostgres
with EmbeddedPostgres(sys.argv[1]) as server:
    print(server.url(), flush=True)
    sys.stdin.read()
"""


def ask(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None


def answers(url: str) -> bool:
    try:
        return ask(url, "select 1") == 1
    except psycopg.OperationalError:
        return False


def supervisor_of(server: EmbeddedPostgres) -> int:
    return int((server.log_path.parent / "supervisor.lock").read_text())


@contextmanager
def another_user_of(server: EmbeddedPostgres) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the same server until its standard input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", USE_UNTIL_STDIN_ENDS, server.log_path.parent],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("postgresql://")
        try:
            yield process
        finally:
            process.kill()


def test_a_server_is_durable_and_private_unless_told_otherwise(make_server: MakeServer) -> None:
    with make_server(settings={}) as server:
        url = server.url()
        names = ("fsync", "full_page_writes", "synchronous_commit", "listen_addresses", "timezone")
        assert [ask(url, f"show {name}") for name in names] == ["on", "on", "on", "", "UTC"]
        socket = Path(str(ask(url, "show unix_socket_directories")))
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        assert ask(url, "select lower('ÄÖ')") == "äö"
        with pytest.raises(EmbeddedPostgresError, match="start it with listen_port"):
            server.url(tcp=True)
    with pytest.raises(EmbeddedPostgresError, match="call start"):
        server.url()


def test_settings_reach_the_server(make_server: MakeServer) -> None:
    settings = {"shared_preload_libraries": "pg_stat_statements", "max_connections": "33", "fsync": "off"}
    with make_server(settings=settings) as server:
        assert ask(server.url(), "show shared_preload_libraries") == "pg_stat_statements"
        assert ask(server.url(), "show max_connections") == "33"


def test_a_setting_that_fails_is_reported_with_the_log(make_server: MakeServer) -> None:
    server = make_server(settings={"fsync": "off", "shared_buffers": "plenty"})
    with pytest.raises(EmbeddedPostgresError, match=r"(?s)ended while it started.*shared_buffers"):
        server.start()


def test_tcp_asks_for_the_password_in_the_url(server: EmbeddedPostgres) -> None:
    url = server.url(tcp=True)
    assert url.startswith("postgresql://postgres:")
    assert "@127.0.0.1:" in url
    assert ask(url, "select inet_server_addr()::text") == "127.0.0.1/32"
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(url.replace("postgres:", "postgres:x"), connect_timeout=5)


def test_data_outlives_a_stop_and_a_kill(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url()) as connection:
        connection.execute("create table kept as select 1 as n")
    url = server.url()
    server.stop()
    assert not answers(url)
    server.start()
    assert ask(server.url(), "select n from kept") == 1
    server.kill()
    server.start()
    assert ask(server.url(), "select n from kept") == 1


def test_a_restart_ends_connections_and_keeps_the_url(server: EmbeddedPostgres) -> None:
    url = server.url(tcp=True)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        server.restart()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    assert answers(url)


def test_starting_twice_and_stopping_twice_changes_nothing(server: EmbeddedPostgres) -> None:
    before = supervisor_of(server)
    assert server.start() is server
    assert supervisor_of(server) == before
    server.stop()
    server.stop()


def test_processes_share_a_server_and_the_last_one_ends_it(server: EmbeddedPostgres) -> None:
    url = server.url()
    with another_user_of(server) as other:
        server.stop()
        assert answers(url)
        other.communicate("")
        eventually(lambda: not answers(url), what="the end of the server")


def test_the_first_start_may_come_from_several_processes(make_server: MakeServer) -> None:
    folder = make_server().log_path.parent
    users = [
        subprocess.Popen(
            [sys.executable, "-c", USE_UNTIL_STDIN_ENDS, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    printed = [user.communicate("")[0] for user in users]
    assert [user.returncode for user in users] == [0, 0, 0]
    assert all(line.startswith("postgresql://") for line in printed)


def test_a_user_that_is_killed_does_not_keep_the_server(server: EmbeddedPostgres) -> None:
    url = server.url()
    with another_user_of(server) as other:
        server.stop()
        assert answers(url)
        other.kill()
        eventually(lambda: not answers(url), what="the end of the server")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_supervisor_that_is_killed_takes_the_server_with_it(server: EmbeddedPostgres) -> None:
    postmaster = int(str(ask(server.url(), "select pg_read_file('postmaster.pid')")).split()[0])
    os.kill(supervisor_of(server), signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{postmaster}").exists(), what="the end of the server")
    server.start()
    assert answers(server.url())


def test_delete_refuses_while_another_process_uses_the_server(server: EmbeddedPostgres) -> None:
    with another_user_of(server) as other:
        with pytest.raises(EmbeddedPostgresError, match="another process uses"):
            server.delete()
        other.communicate("")


def test_a_path_too_long_for_a_socket_is_no_obstacle(make_server: MakeServer) -> None:
    with tempfile.TemporaryDirectory(prefix="perdure-long-") as folder:
        Path(folder).chmod(0o711)  # open: the server's user must not need another place
        deep = Path(folder) / ("x" * 90)
        server = make_server(data_dir=deep)
        with server:
            socket = Path(str(ask(server.url(), "show unix_socket_directories")))
            assert not socket.is_relative_to(deep)
        server.delete()
        assert not socket.exists()


def test_a_cluster_of_another_version_is_refused(make_server: MakeServer) -> None:
    with tempfile.TemporaryDirectory(prefix="perdure-old-") as folder:
        data = Path(folder) / "server" / "data"
        data.mkdir(parents=True)
        (data / "PG_VERSION").write_text("12\n")
        with pytest.raises(
            EmbeddedPostgresError, match=r"is of PostgreSQL 12, the programs are of 18: dump it"
        ):
            make_server(data_dir=folder).start()


@as_root
def test_a_closed_home_stays_closed(make_server: MakeServer) -> None:
    with tempfile.TemporaryDirectory(prefix="perdure-closed-") as closed:
        server = make_server(data_dir=Path(closed) / "project" / ".perdure")
        with server:
            assert answers(server.url())
            data = Path(str(ask(server.url(), "show data_directory")))
            assert data.is_relative_to(binaries.SHARED_ROOT)
        assert stat.S_IMODE(Path(closed).stat().st_mode) == 0o700
        server.delete()
        assert not data.parent.exists()


@as_root
def test_files_elsewhere_go_when_their_link_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    monkeypatch.setattr(relocation, "SHARED_ROOT", shared)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    user = server_user()
    assert user is not None
    links = [
        tmp_path / place / "postgres" / "server" for place in ("kept", "deleted", "unmounted", "tmp/test")
    ]
    folders = []
    for link in links:
        link.parent.mkdir(parents=True)
        relocation.relocate(link, user)
        folders.append(link.resolve())
    shutil.rmtree(tmp_path / "deleted" / "postgres")
    shutil.rmtree(tmp_path / "unmounted")
    shutil.rmtree(tmp_path / "tmp" / "test")
    (tmp_path / "new").mkdir()
    relocation.relocate(tmp_path / "new" / "server", user)
    assert [folder.exists() for folder in folders] == [True, False, True, False]


@as_root
def test_programs_in_a_closed_folder_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as closed, tempfile.TemporaryDirectory() as shared:
        Path(shared).chmod(0o755)
        monkeypatch.setattr(binaries, "SHARED_ROOT", Path(shared))
        program = Path(closed) / "pginstall" / "bin" / "postgres"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n")
        user = server_user()
        assert user is not None
        copy = binaries.runnable_bin_dir(program.parent, user)
        assert copy.is_relative_to(shared)
        assert user.can_enter(copy)
        assert (copy / "postgres").read_text() == "#!/bin/sh\n"
        assert binaries.runnable_bin_dir(program.parent, user) == copy


@as_root
def test_an_ordinary_user_needs_nothing() -> None:
    nobody = pwd.getpwnam("nobody")
    python = next(
        (p for p in (sys.executable, shutil.which("python3", path="/usr/bin")) if p and _usable(p, nobody)),
        None,
    )
    if python is None:
        pytest.skip("no Python of this version that another user may run")
    if not SystemUser(nobody.pw_uid, nobody.pw_gid).can_enter(Path(psycopg.__file__).parent):
        pytest.skip("this checkout is in a folder that another user may not enter")
    with tempfile.TemporaryDirectory(prefix="perdure-nobody-") as folder:
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        script = f"""
import os, psycopg
from perdure_engine.embedded import EmbeddedPostgres
with EmbeddedPostgres({folder!r} + "/pg", settings={dict(FAST_SETTINGS)!r}) as server:
    with psycopg.connect(server.url()) as connection:
        owner = os.stat(connection.execute("show data_directory").fetchone()[0]).st_uid
assert owner == os.geteuid() != 0, owner
"""
        done = subprocess.run(
            [python, "-c", script],
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            cwd="/",
            env={"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def _usable(python: str, user: pwd.struct_passwd) -> bool:
    version = f"import sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    try:
        return not subprocess.run(
            [python, "-c", version], user=user.pw_uid, group=user.pw_gid, cwd="/"
        ).returncode
    except PermissionError:
        return False
