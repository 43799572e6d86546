"""What the whole suite shares: a real PostgreSQL, started once, with a database for each test."""

from __future__ import annotations

import itertools
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from webhooks.running import postgres

FIXTURES = Path(__file__).parent / "fixtures"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL of our own, as the demo starts it."""
    # not in pytest's own folder: a second session of pytest takes other users' rights to it away
    with (
        tempfile.TemporaryDirectory(prefix="greffier-tests-") as folder,
        postgres.running(Path(folder), stop=signal.SIGQUIT),  # at once: nothing of it is kept
    ):
        yield postgres.address(Path(folder), "postgres")


@pytest.fixture
def database_url(postgres_server: str) -> Iterator[str]:
    """The address of an empty database."""
    with created_database(postgres_server) as url:
        yield url


@contextmanager
def created_database(server: str, template: str = "template1") -> Iterator[str]:
    """The address of a new database, a copy of `template`; it is dropped at the end."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield server.replace("/postgres?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
