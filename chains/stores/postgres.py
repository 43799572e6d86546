"""The store in PostgreSQL: BM25 weights ready-made in a table of postings, vectors in pgvector.

PostgreSQL's own full-text rank knows no document frequency, hence the postings. All postings of a question's stems are
read: this store is for tens of thousands of passages.

Each embedder and each analyser has an index of its own, in a schema of its own: a change of either makes a new one
beside the old one, which serves whoever still asks for it. An old one is dropped by hand (`DROP SCHEMA`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString

from psycopg import errors, sql
from psycopg_pool import ConnectionPool

from chains.analyser import ANALYSER_VERSION
from chains.draft import Passage
from chains.stores.postgres_index import LAYOUT, Connection, Writer
from chains.stores.store import Embedded, Hit, Scope, Statistics
from connector.errors import ConfigurationError

HNSW_CANDIDATES = 200
"""How many neighbours an approximate search keeps on its way (`hnsw.ef_search`, at most 1,000)."""

_SEARCH: dict[Scope, LiteralString] = {
    Scope.PASSAGES: """
WITH best AS (
    SELECT item, sum(weight) AS score FROM {schema}.posting WHERE scope = 1 AND stem = ANY(%s)
    GROUP BY item ORDER BY score DESC, item LIMIT %s
)
SELECT passage.id, document.id, score FROM best
JOIN {schema}.passage ON passage.number = item JOIN {schema}.document ON document.number = passage.document
ORDER BY score DESC, item""",
    Scope.TITLES: """
SELECT id, id, sum(weight) AS score FROM {schema}.posting JOIN {schema}.document ON number = item
WHERE scope = 2 AND stem = ANY(%s) GROUP BY number ORDER BY score DESC, number LIMIT %s""",
    Scope.DOCUMENTS: """
WITH best AS (
    SELECT item, sum(weight) AS score FROM {schema}.posting WHERE scope = 3 AND stem = ANY(%s)
    GROUP BY item ORDER BY score DESC, item LIMIT %s
)
SELECT id, id, score FROM best JOIN {schema}.document ON number = item ORDER BY score DESC, item""",
}

_NEAREST: LiteralString = """
WITH best AS (
    SELECT passage AS number, value <=> %s::halfvec AS distance FROM {schema}.vector ORDER BY distance LIMIT %s
)
SELECT passage.id, document.id, 1 - distance
FROM best JOIN {schema}.passage USING (number) JOIN {schema}.document ON document.number = passage.document
ORDER BY distance"""

_RARITIES: LiteralString = """
SELECT stem, ln(1 + ((SELECT count(*) FROM {schema}.document) - count(item) + 0.5) / (count(item) + 0.5))::float8
FROM unnest(%s::text[]) AS asked (stem) LEFT JOIN {schema}.posting USING (stem)
WHERE coalesce(scope, 3) = 3 GROUP BY stem"""

_PASSAGES: LiteralString = """
SELECT passage.id, document.id, title, path, text, url, date
FROM {schema}.passage JOIN {schema}.document ON document.number = passage.document WHERE passage.id = ANY(%s)"""

_DIGESTS: LiteralString = "SELECT id, digest FROM {schema}.document WHERE corpus = %s"

_STATISTICS: LiteralString = """
SELECT (SELECT count(*) FROM {schema}.document), (SELECT count(*) FROM {schema}.passage), embedder, dimension
FROM {schema}.about"""


class PostgresStore:
    """A `Store` in PostgreSQL with pgvector. The pool is the caller's, who also closes it.

    psycopg's own errors pass through: an outage of this database is an outage of the queue as well.
    """

    def __init__(self, pool: ConnectionPool[Connection], *, embedder: str, dimension: int) -> None:
        """`embedder` names the model that makes the vectors, `dimension` is their length."""
        self._pool, self._embedder, self._dimension = pool, embedder, dimension
        identity = f"{LAYOUT}\n{ANALYSER_VERSION}\n{embedder}\n{dimension}"
        self.schema = f"greffier_index_{hashlib.sha256(identity.encode()).hexdigest()[:12]}"

    def search(self, scope: Scope, stems: Sequence[str], limit: int) -> list[Hit]:
        with self._index() as connection:
            return list(
                map(Hit._make, connection.execute(self._sql(_SEARCH[scope]), [list(set(stems)), limit]).fetchall())
            )

    def nearest(self, vector: Sequence[float], limit: int) -> list[Hit]:
        if len(vector) != self._dimension:
            raise ConfigurationError(
                f"[embeddings] model: {len(vector)} numbers for a question, {self._dimension} for each passage of the"
                " index; give each model a name of its own and run greffier index"
            )
        with self._index() as connection, connection.pipeline(), connection.transaction():
            connection.execute("SELECT set_config('hnsw.ef_search', %s, true)", [str(max(limit, HNSW_CANDIDATES))])
            found = connection.execute(self._sql(_NEAREST), [str(list(vector)), limit])
        return list(map(Hit._make, found.fetchall()))

    def rarities(self, stems: Sequence[str]) -> dict[str, float]:
        with self._index() as connection:
            return dict(connection.execute(self._sql(_RARITIES), [list(set(stems))]).fetchall())

    def passages(self, ids: Sequence[str]) -> dict[str, Passage]:
        with self._index() as connection:
            rows = connection.execute(self._sql(_PASSAGES), [list(ids)]).fetchall()
        return {id: Passage(id, document, title, tuple(path), *rest) for id, document, title, path, *rest in rows}

    def statistics(self) -> Statistics:
        with self._index() as connection:
            return Statistics(*connection.execute(self._sql(_STATISTICS)).fetchall()[0])

    def digests(self, corpus: str) -> dict[str, str]:
        with self._pool.connection() as connection:
            if self.schema not in _schemas(connection):
                return {}
            return dict(connection.execute(self._sql(_DIGESTS), [corpus]).fetchall())

    def update(self, replaced: Sequence[Embedded], removed: Sequence[str]) -> None:
        with self._pool.connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [self.schema])  # one writer at a time
            writer = Writer(connection, self.schema)
            if self.schema not in _schemas(connection):
                writer.create(self._embedder, self._dimension)
            writer.remove([*removed, *(entry.document.id for entry in replaced)])
            writer.add(replaced)
            writer.weigh()

    @contextmanager
    def _index(self) -> Iterator[Connection]:
        """A connection to read with; where our index is missing, the error says what is there instead."""
        try:
            with self._pool.connection() as connection:
                yield connection
        except errors.UndefinedTable:
            raise ConfigurationError(self._missing()) from None

    def _missing(self) -> str:
        query: LiteralString = "SELECT embedder, dimension FROM {schema}.about"
        with self._pool.connection() as connection:
            others = [
                connection.execute(sql.SQL(query).format(schema=sql.Identifier(schema))).fetchall()[0]
                for schema in sorted(_schemas(connection))
            ]
        if not others:
            return "there is no index yet: run greffier index"
        found = ", ".join(f"{embedder} ({dimension})" for embedder, dimension in others)
        return (
            f"[embeddings] names the model {self._embedder} ({self._dimension}), but the index was made with {found}"
            " or by another version of Greffier: run greffier index, or set [embeddings] back"
        )

    def _sql(self, statement: LiteralString) -> sql.Composed:
        return sql.SQL(statement).format(schema=sql.Identifier(self.schema))


def _schemas(connection: Connection) -> set[str]:
    rows: list[tuple[Any, ...]] = connection.execute(
        r"SELECT nspname FROM pg_namespace WHERE nspname LIKE 'greffier\_index\_%'"
    ).fetchall()
    return {row[0] for row in rows}
