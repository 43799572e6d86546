"""A migrated database, and the ledger on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from webhooks import schema
from webhooks.ledger import Ledger


@pytest.fixture
def migrated_url(database_url: str) -> str:
    """The address of a database with Greffier's schema."""
    schema.migrate(database_url)
    return database_url


@pytest.fixture
def pool(migrated_url: str) -> Iterator[ConnectionPool[psycopg.Connection[Any]]]:
    with ConnectionPool(migrated_url, min_size=1, max_size=10, open=True) as pool:
        yield pool


@pytest.fixture
def ledger(pool: ConnectionPool[psycopg.Connection[Any]]) -> Ledger:
    return Ledger(pool)
