"""Start, share and stop an embedded PostgreSQL."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Self
from urllib.parse import quote

import psycopg

from perdure_engine.errors import EmbeddedPostgresError

from .binaries import bundled_bin_dir, runnable_bin_dir
from .cluster import SUPERUSER, Cluster
from .locks import FileLock, is_exclusive, shared_by_others
from .system_user import SystemUser, server_user

FAST_SETTINGS: Mapping[str, str] = MappingProxyType(
    {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
)
"""Settings for tests: a crash of the machine may destroy the data. Never for anything that is kept."""

_POLL_S = 0.02
_LARGEST_LOG = 10_000_000  # bytes; a longer log is begun anew at the next start


class EmbeddedPostgres:
    """A PostgreSQL server on this machine that runs for as long as some process uses it.

    Any number of processes may start the same ``data_dir``: the first starts the server, the others join
    it, and it ends with the last one. That holds when a process is killed, too: what keeps the server alive
    is a file lock, which the kernel takes back, and a supervisor process (``supervisor.py``) waits for
    that. As root the server runs as the system user ``perdure_postgres``. Its socket can be used by its own
    user and root only, and asks for no password; TCP, when asked for, is on 127.0.0.1 and asks for one,
    which ``url()`` contains. The server is durable unless ``settings`` say otherwise.

    Args:
        data_dir: a folder of its own for the server's files, made when absent.
        settings: server settings by name, for instance ``{"shared_preload_libraries":
            "pg_stat_statements"}``. They count for the process that starts the server, not for one that
            joins it.
        listen_port: also listen on this TCP port of 127.0.0.1; 0: on a free one, the same as last time if
            it still is; ``None``: socket only.
        bin_dir: use the programs in this folder instead of the bundled PostgreSQL 18.
        start_timeout_s: seconds that a start (crash recovery included) or a stop may take.
    """

    def __init__(
        self,
        data_dir: Path | str,
        *,
        settings: Mapping[str, str] = MappingProxyType({}),
        listen_port: int | None = None,
        bin_dir: Path | str | None = None,
        start_timeout_s: float = 60.0,
    ) -> None:
        self._cluster = Cluster(Path(data_dir))
        self._settings = dict(settings)
        self._listen_port = listen_port
        self._bin_dir = Path(bin_dir) if bin_dir else None
        self._timeout_s = start_timeout_s
        self._use: FileLock | None = None

    @property
    def log_path(self) -> Path:
        """The server's log file."""
        return self._cluster.log

    def start(self) -> Self:
        """Start the server or join the running one, and wait until it answers. Again: no change.

        Raises:
            EmbeddedPostgresError: with the end of the server's log when it did not come up.
        """
        user = server_user()
        self._cluster.prepare(user)
        if self._use is None:
            self._use = FileLock(self._cluster.users_lock)
            # Fails only while a supervisor shuts the server down, because the last user has just left.
            self._wait_until(self._use.try_shared, "the previous shutdown did not end")
        try:
            self._start(user)
        except BaseException:
            self._release()
            raise
        return self

    def stop(self) -> None:
        """Stop using the server. Returns once it has ended, or at once when another process still uses it."""
        self._release()
        if self._cluster.supervisor_lock.exists():
            self._wait_until(lambda: not self._supervised() or self._shared(), "the server did not stop")

    def restart(self) -> None:
        """Stop the server in order and start it again, for all its users: their connections end."""
        self._end_server(signal.SIGTERM)
        self.start()

    def kill(self) -> None:
        """End the server at once, as a crash would; the next start recovers. For tests."""
        self._end_server(signal.SIGQUIT)

    def delete(self) -> None:
        """Stop using the server and remove its files.

        Raises:
            EmbeddedPostgresError: another process uses it.
        """
        self.stop()
        if self._cluster.supervisor_lock.exists() and self._supervised():
            raise EmbeddedPostgresError(f"another process uses {self._cluster.folder}: stop that first")
        self._cluster.delete()

    def url(self, database: str = "postgres", *, tcp: bool = False) -> str:
        """A connection URL for the superuser, good for psycopg and psql alike.

        Args:
            database: name of the database.
            tcp: through 127.0.0.1 with the password instead of the socket.
        Raises:
            EmbeddedPostgresError: the server is not running, or does not listen on TCP.
        """
        lines = self._cluster.postmaster_lines
        if len(lines) < 6:
            raise EmbeddedPostgresError(f"no server runs in {self._cluster.folder}: call start() first")
        port, address = lines[3].strip(), lines[5].strip()
        if not tcp:
            return self._socket_url(database, port)
        if not address:
            raise EmbeddedPostgresError("the server does not listen on TCP: start it with listen_port")
        password = self._cluster.password_file.read_text()
        return f"postgresql://{SUPERUSER}:{quote(password)}@{address}:{port}/{quote(database)}"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def _socket_url(self, database: str, port: str) -> str:
        folder = quote(str(self._cluster.socket_dir), safe="")
        return f"postgresql://{SUPERUSER}@/{quote(database)}?host={folder}&port={port}"

    def _start(self, user: SystemUser | None) -> None:
        deadline = time.monotonic() + self._timeout_s
        launched = False
        while True:
            with FileLock(self._cluster.supervisor_lock) as lock:
                unsupervised = lock.try_exclusive()
                if unsupervised and not launched:
                    self._launch(user, lock)
                    launched, unsupervised = True, False
            if self._answers():
                return
            if unsupervised:
                raise EmbeddedPostgresError(
                    f"the server ended while it started; its log:\n{self._log_tail()}"
                )
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"no answer in {self._timeout_s:g} s; its log:\n{self._log_tail()}"
                )
            time.sleep(_POLL_S)

    def _launch(self, user: SystemUser | None, lock: FileLock) -> None:
        """Start a supervisor. It inherits ``lock``, so a server runs exactly while that lock is held."""
        os.ftruncate(lock.handle, 0)
        bin_dir = runnable_bin_dir(self._bin_dir or bundled_bin_dir(), user)
        self._cluster.ensure_initialized(bin_dir, user, sync=self._settings.get("fsync") != "off")
        self._wait_until(self._no_orphan, "a server without a supervisor is still ending")
        log = self._cluster.log
        too_long = log.exists() and log.stat().st_size > _LARGEST_LOG
        supervisor = Path(__file__).with_name("supervisor.py")
        command: list[str | Path] = [sys.executable, "-I", "-S", supervisor, self._cluster.users_lock]
        command += [str(user.uid), str(user.gid)] if user else ["-", "-"]
        command += [bin_dir / "postgres", "-D", self._cluster.data, *self._setting_options()]
        with log.open("wb" if too_long else "ab") as output:
            process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the terminal's programs, which still need the server
                pass_fds=[lock.handle],
            )
        process.returncode = 0  # it outlives this object on purpose: no warning about a running child
        os.pwrite(lock.handle, str(process.pid).encode(), 0)

    def _setting_options(self) -> list[str]:
        settings = {"timezone": "UTC", "log_timezone": "UTC", "listen_addresses": ""}
        settings["unix_socket_directories"] = str(self._cluster.socket_dir)
        if self._listen_port is not None:
            port = self._listen_port or _usual_port(self._cluster.port_file)
            settings |= {"listen_addresses": "127.0.0.1", "port": str(port)}
        settings |= self._settings
        return [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]

    def _answers(self) -> bool:
        """Whether the server lets us in."""
        lines = self._cluster.postmaster_lines
        if len(lines) < 8 or lines[7].strip() != "ready":
            return False
        try:
            psycopg.connect(self._socket_url("postgres", lines[3].strip()), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _no_orphan(self) -> bool:
        """Whether no server is left from a supervisor that was killed; asks one that is left to end."""
        lines = self._cluster.postmaster_lines
        if not lines:
            return True
        with socket.socket(socket.AF_UNIX) as probe:
            # A stale postmaster.pid may name somebody else's process: only a server that listens is ours.
            try:
                probe.connect(str(self._cluster.socket_dir / f".s.PGSQL.{lines[3].strip()}"))
            except OSError:
                return True
        os.kill(int(lines[0]), signal.SIGINT)
        return False

    def _end_server(self, number: signal.Signals) -> None:
        if not self._cluster.supervisor_lock.exists():
            return
        pid = self._cluster.supervisor_lock.read_text()
        if pid and self._supervised():  # else the number is that of a process which has ended
            os.kill(int(pid), number)
        self._wait_until(lambda: not self._supervised(), "the server did not stop")

    def _supervised(self) -> bool:
        return is_exclusive(self._cluster.supervisor_lock)

    def _shared(self) -> bool:
        return shared_by_others(self._cluster.users_lock)

    def _release(self) -> None:
        if self._use is not None:
            self._use.close()
            self._use = None

    def _wait_until(self, condition: Callable[[], bool], problem: str) -> None:
        deadline = time.monotonic() + self._timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"{problem} in {self._timeout_s:g} s; see {self._cluster.log}")
            time.sleep(_POLL_S)

    def _log_tail(self) -> str:
        return "\n".join(self._cluster.log.read_text(errors="replace").splitlines()[-20:])


def _usual_port(port_file: Path) -> int:
    """The port in ``port_file`` if it is free, else another, kept there: URLs outlive a restart."""
    usual = int(port_file.read_text()) if port_file.exists() else 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # ended connections may linger
        try:
            probe.bind(("127.0.0.1", usual))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    port_file.write_text(str(port))
    return port
