"""A migrated database, the ledger on it, the whole of Greffier, and a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from tests.browser import MISSING, chromium, launched
from tests.conftest import created_database
from tests.system import System, system
from tests.webhooks.work import Work
from webhooks import schema, settings, wiring
from webhooks.ledger import Ledger

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def migrated_url(database_url: str) -> str:
    """The address of a database with Greffier's schema."""
    schema.migrate(database_url)
    return database_url


@pytest.fixture(scope="session")
def indexed_template(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a migrated database with the sample of sheets indexed, to be copied."""
    with created_database(postgres_server) as url:
        schema.migrate(url)
        with system(tmp_path_factory.mktemp("index"), url) as running:
            indexed = running.run("index")
            assert indexed.exit_code == 0, indexed.output
        yield url.split("?")[0].rpartition("/")[2]


@pytest.fixture
def greffier(tmp_path: Path, postgres_server: str, indexed_template: str) -> Iterator[System]:
    """The whole of Greffier, its processes not yet started."""
    with created_database(postgres_server, indexed_template) as url, system(tmp_path, url) as running:
        yield running


@pytest.fixture
def line(greffier: System) -> Iterator[Work]:
    """A worker in this process."""
    given = settings.load(greffier.config, {})
    with wiring.database(given, connections=6) as pool:
        yield Work(greffier, pool)


@pytest.fixture
def pool(migrated_url: str) -> Iterator[ConnectionPool[psycopg.Connection[Any]]]:
    with ConnectionPool(migrated_url, kwargs={"autocommit": True}, min_size=1, max_size=10, open=True) as pool:
        yield pool


@pytest.fixture
def ledger(pool: ConnectionPool[psycopg.Connection[Any]]) -> Ledger:
    return Ledger(pool)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium. Without one only these tests are left out; in CI that is a failure."""
    path = chromium()
    if path is None:
        pytest.fail(MISSING) if os.environ.get("CI") else pytest.skip(MISSING)
    with launched(path) as browser:
        yield browser
