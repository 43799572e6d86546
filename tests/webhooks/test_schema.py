from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import procrastinate.schema
import psycopg
import pytest

from webhooks import schema

pytestmark = pytest.mark.server

EVERY = ["0001_queue", "0002_ledger", "0003_zammad", "0004_hints", "0005_sources"]


def test_a_fresh_database_gets_every_migration_once(database_url: str) -> None:
    assert schema.migrate(database_url) == EVERY
    assert schema.migrate(database_url) == []


def test_three_migrations_at_once_leave_one_schema(database_url: str) -> None:
    with ThreadPoolExecutor(3) as threads:
        applied = list(threads.map(schema.migrate, [database_url] * 3))
    assert sorted(applied) == [[], [], EVERY]


def test_an_old_schema_is_refused_with_the_command_to_run(database_url: str) -> None:
    with psycopg.connect(database_url) as connection, pytest.raises(schema.SchemaMismatch, match="greffier migrate"):
        schema.require_current(connection)


def test_a_schema_from_the_future_is_refused(migrated_url: str) -> None:
    with psycopg.connect(migrated_url) as connection:
        connection.execute("INSERT INTO _yoyo_migration VALUES ('x', '0099_later', now())")
        with pytest.raises(schema.SchemaMismatch, match="0099_later"):
            schema.require_current(connection)


def test_a_migrated_schema_is_accepted(migrated_url: str) -> None:
    with psycopg.connect(migrated_url) as connection:
        schema.require_current(connection)


def test_the_queue_has_the_schema_of_the_procrastinate_installed() -> None:
    shipped = (schema.MIGRATIONS / "0001_queue.sql").read_text("utf-8")
    assert shipped.endswith(procrastinate.schema.SchemaManager.get_schema())
    assert {path.suffix for path in Path(schema.MIGRATIONS).iterdir()} == {".sql"}
