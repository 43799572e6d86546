"""The store in PostgreSQL: BM25 weights ready-made in a table of postings, vectors in pgvector.

PostgreSQL's own full-text rank knows no document frequency, hence the postings. All postings of a question's stems are
read: this store is for tens of thousands of passages.

Each embedder and each analyser has an index of its own, in a schema of its own: a change of either makes a new one
beside the old one, which serves whoever still asks for it, until it is dropped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString

from psycopg import errors, sql
from psycopg_pool import ConnectionPool

from chains.analyser import ANALYSER_VERSION
from chains.draft import Passage
from chains.stores.postgres_index import LAYOUT, Connection, Writer
from chains.stores.store import SHARED, Embedded, Hit, Scope, Statistics, Within
from connector.errors import ConfigurationError

HNSW_CANDIDATES = 200
"""How many neighbours an approximate search keeps on its way (`hnsw.ef_search`, at most 1,000)."""

_HNSW: LiteralString = """
SELECT set_config('hnsw.ef_search', %s, true), set_config('hnsw.iterative_scan', 'strict_order', true)"""

_PASSAGE_SEARCH: LiteralString = """
WITH best AS (
    SELECT item, sum(weight) AS score FROM {schema}.posting
    WHERE scope = %(scope)s AND stem = ANY(%(stems)s) AND weight > 0 AND {within}
    GROUP BY item ORDER BY score DESC, item LIMIT %(limit)s
)
SELECT passage.id, document.id, score FROM best
JOIN {schema}.passage ON passage.number = item JOIN {schema}.document ON document.number = passage.document
ORDER BY score DESC, item"""

_DOCUMENT_SEARCH: LiteralString = """
WITH best AS (
    SELECT item, sum(weight) AS score FROM {schema}.posting
    WHERE scope = %(scope)s AND stem = ANY(%(stems)s) AND weight > 0 AND {within}
    GROUP BY item ORDER BY score DESC, item LIMIT %(limit)s
)
SELECT id, id, score FROM best JOIN {schema}.document ON number = item ORDER BY score DESC, item"""

_NEAREST: LiteralString = """
WITH best AS (
    SELECT passage AS number, value <=> %(vector)s::halfvec AS distance FROM {schema}.vector WHERE {within}
    ORDER BY distance LIMIT %(limit)s
)
SELECT passage.id, document.id, 1 - distance
FROM best JOIN {schema}.passage USING (number) JOIN {schema}.document ON document.number = passage.document
ORDER BY distance"""

_MIDDLES: LiteralString = """
SELECT id, 1 - (value <=> %(vector)s::halfvec)
FROM {schema}.document JOIN {schema}.middle ON document = number WHERE id = ANY(%(ids)s) AND document.{within}"""

_RARITIES: LiteralString = """
SELECT asked.stem, coalesce(rarity.value, (SELECT value FROM {schema}.rarity WHERE stem = ''))
FROM unnest(%s::text[]) AS asked (stem) LEFT JOIN {schema}.rarity USING (stem)"""

_PASSAGES: LiteralString = """
SELECT passage.id, document.id, title, path, text, url, date
FROM {schema}.passage JOIN {schema}.document ON document.number = passage.document
WHERE passage.id = ANY(%(ids)s) AND {within}"""

_WITHIN: LiteralString = """shelf = ANY(ARRAY(
    SELECT number FROM {schema}.shelf WHERE organisation IN ('', %(organisation)s)
    AND (%(corpora)s::text[] IS NULL OR corpus = ANY(%(corpora)s))
    AND (%(audiences)s::text[] IS NULL OR audience = '' OR audience = ANY(%(audiences)s))
))"""

_DIGESTS: LiteralString = """
SELECT id, digest FROM {schema}.document JOIN {schema}.shelf ON shelf.number = shelf WHERE corpus = %s"""

_UNEMBEDDED: LiteralString = """
SELECT passage.id, document.id, title, path, text, url, date
FROM {schema}.passage JOIN {schema}.document ON document.number = passage.document
JOIN {schema}.shelf ON shelf.number = shelf LEFT JOIN {schema}.vector ON passage.number = vector.passage
WHERE corpus = %s AND vector.passage IS NULL ORDER BY passage.number LIMIT %s"""

_STATISTICS: LiteralString = """
SELECT (SELECT count(*) FROM {schema}.document), (SELECT count(*) FROM {schema}.passage),
    (SELECT count(*) FROM {schema}.vector), embedder, dimension
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

    def search(self, scope: Scope, stems: Sequence[str], limit: int, within: Within = SHARED) -> list[Hit]:
        statement = _PASSAGE_SEARCH if scope is Scope.PASSAGES else _DOCUMENT_SEARCH
        given = {"scope": scope.value, "stems": list(set(stems)), "limit": limit} | _values(within)
        with self._index() as connection:
            return list(map(Hit._make, connection.execute(self._sql(statement), given).fetchall()))

    def nearest(self, vector: Sequence[float], limit: int, within: Within = SHARED) -> list[Hit]:
        if len(vector) != self._dimension:
            raise ConfigurationError(
                f"[embeddings] model: {len(vector)} numbers for a question, {self._dimension} for each passage of the"
                " index; give each model a name of its own and run greffier index"
            )
        given = {"vector": str(list(vector)), "limit": limit} | _values(within)
        with self._index() as connection, connection.pipeline(), connection.transaction():
            connection.execute(_HNSW, [str(max(limit, HNSW_CANDIDATES))])
            found = connection.execute(self._sql(_NEAREST), given)
        return list(map(Hit._make, found.fetchall()))

    def middles(self, vector: Sequence[float], documents: Sequence[str], within: Within = SHARED) -> dict[str, float]:
        given = {"vector": str(list(vector)), "ids": list(documents)} | _values(within)
        with self._index() as connection:
            return dict(connection.execute(self._sql(_MIDDLES), given).fetchall())

    def rarities(self, stems: Sequence[str], within: Within = SHARED) -> dict[str, float]:
        with self._index() as connection:
            return dict(connection.execute(self._sql(_RARITIES), [list(set(stems))]).fetchall())

    def passages(self, ids: Sequence[str], within: Within = SHARED) -> dict[str, Passage]:
        with self._index() as connection:
            rows = connection.execute(self._sql(_PASSAGES), {"ids": list(ids)} | _values(within)).fetchall()
        return {row[0]: _passage(row) for row in rows}

    def statistics(self) -> Statistics:
        with self._index() as connection:
            return Statistics(*connection.execute(self._sql(_STATISTICS)).fetchall()[0])

    def digests(self, corpus: str) -> dict[str, str]:
        with self._pool.connection() as connection:
            if self.schema not in _schemas(connection):
                return {}
            return dict(connection.execute(self._sql(_DIGESTS), [corpus]).fetchall())

    def update(self, replaced: Sequence[Embedded], removed: Sequence[str]) -> None:
        """Searches see all of it or nothing."""
        with self._writer() as writer:
            writer.remove([*removed, *(entry.document.id for entry in replaced)])
            writer.add(replaced)
            writer.weigh()

    def erase(self, organisation: str) -> None:
        with self._writer() as writer:
            writer.erase(organisation)
            writer.add([])
            writer.weigh()

    def unembedded(self, corpus: str, limit: int) -> list[Passage]:
        with self._index() as connection:
            return list(map(_passage, connection.execute(self._sql(_UNEMBEDDED), [corpus, limit]).fetchall()))

    def embed(self, vectors: Mapping[str, bytes]) -> None:
        with self._writer() as writer:
            writer.embed(vectors)

    def finish(self) -> None:
        with self._writer() as writer:
            writer.settle()

    def publish(self) -> None:
        """Each embedder's index is found by whoever is configured with it, from its first document on."""

    def unpublished(self) -> bool:
        return False

    def others(self) -> list[str]:
        return [name for name in indexes(self._pool) if name != self.schema]

    def drop_others(self) -> list[str]:
        self.statistics()  # which must be there
        return drop(self._pool, self.others())

    def close(self) -> None:
        """The pool is the caller's."""

    @contextmanager
    def _writer(self) -> Iterator[Writer]:
        """One writer at a time, in one transaction; a missing index is made."""
        with self._pool.connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [self.schema])
            writer = Writer(connection, self.schema)
            if self.schema not in _schemas(connection):
                writer.create(self._embedder, self._dimension)
            yield writer

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
        schema = sql.Identifier(self.schema)
        return sql.SQL(statement).format(schema=schema, within=sql.SQL(_WITHIN).format(schema=schema))


def indexes(pool: ConnectionPool[Connection]) -> list[str]:
    """The names of all indexes in a database."""
    with pool.connection() as connection:
        return sorted(_schemas(connection))


def drop(pool: ConnectionPool[Connection], names: Sequence[str]) -> list[str]:
    """Drop indexes by their names, which are given back."""
    with pool.connection() as connection:
        for name in names:
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {schema} CASCADE").format(schema=sql.Identifier(name)))
    return list(names)


def _values(within: Within) -> dict[str, Any]:
    """What `_WITHIN` is filled in with."""
    corpora, audiences = (None if names is None else list(names) for names in (within.corpora, within.audiences))
    return {"organisation": within.organisation, "corpora": corpora, "audiences": audiences}


def _passage(row: tuple[Any, ...]) -> Passage:
    id, document, title, path, text, url, date = row
    return Passage(id, document, title, tuple(path), text, url, date)


def _schemas(connection: Connection) -> set[str]:
    rows: list[tuple[Any, ...]] = connection.execute(
        r"SELECT nspname FROM pg_namespace WHERE nspname LIKE 'greffier\_index\_%'"
    ).fetchall()
    return {row[0] for row in rows}
