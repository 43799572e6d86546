"""The database's schema: numbered SQL files, applied once each, and the refusal to run on any other."""

from __future__ import annotations

from pathlib import Path

import psycopg

from connector.errors import GreffierError

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = "greffier migrate"


class SchemaMismatch(GreffierError):
    """The database's schema is not the one that this program was written for; the message says what to run."""


def migrate(database_url: str) -> list[str]:
    """Apply what is missing, in order, and return the names applied.

    Two at once are safe: the second waits for the first under an advisory lock, which PostgreSQL frees if its holder
    dies. Raises SchemaMismatch if the database is newer than this program.
    """
    import yoyo

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [_LOCK])
        pending = _pending(connection)
        with yoyo.get_backend(database_url.replace("://", "+psycopg://", 1)) as backend:
            backend.apply_migrations(backend.to_apply(yoyo.read_migrations(str(MIGRATIONS))))
        return pending


def require_current(connection: psycopg.Connection) -> None:
    """Raise SchemaMismatch unless the database has exactly the migrations that this program ships."""
    if pending := _pending(connection):
        raise SchemaMismatch(f"the database lacks {', '.join(pending)}: run `greffier migrate`")


def _pending(connection: psycopg.Connection) -> list[str]:
    shipped = sorted(path.stem for path in MIGRATIONS.glob("*.sql"))
    applied = _applied(connection)
    if unknown := applied.difference(shipped):
        raise SchemaMismatch(
            f"the database has {', '.join(sorted(unknown))}, which this version of Greffier does not know: "
            "run the version that made it, or a newer one"
        )
    return [name for name in shipped if name not in applied]


def _applied(connection: psycopg.Connection) -> set[str]:
    if connection.execute("SELECT to_regclass('_yoyo_migration')").fetchone() == (None,):
        return set()
    return {name for (name,) in connection.execute("SELECT migration_id FROM _yoyo_migration").fetchall()}
