"""What the whole suite shares: a real PostgreSQL, started once, with a database for each test."""

from __future__ import annotations

import itertools
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connector.errors import GreffierError
from webhooks.demo.weaviate_server import WeaviateServer
from webhooks.demo.weaviate_server import program as weaviate_program
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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--without-weaviate", action="store_true", help="leave out what needs Weaviate, where it cannot be built"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--without-weaviate"):
        left_out = [item for item in items if item.get_closest_marker("weaviate")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def weaviate_server() -> Iterator[WeaviateServer]:
    """A Weaviate of our own. Each test has its own names in it."""
    with tempfile.TemporaryDirectory(prefix="greffier-weaviate-") as folder, weaviate_in(Path(folder)) as server:
        yield server


def weaviate_in(folder: Path, **how: Any) -> WeaviateServer:
    """A Weaviate that is not started yet; without its program the whole run stops, and says why."""
    try:
        weaviate_program()
    except GreffierError as error:
        pytest.exit(f"{error}; `make test ARGS=--without-weaviate` leaves out what needs it", returncode=1)
    return WeaviateServer(folder, **how)
