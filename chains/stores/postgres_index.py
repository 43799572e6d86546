"""How the index in PostgreSQL is made and changed. `postgres.py` reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, LiteralString

import psycopg
from psycopg import errors, sql
from psycopg.rows import TupleRow

from chains.analyser import stems
from chains.corpora.document import Document, searchable
from chains.stores.store import Embedded, Scope
from chains.stores.vectors import floats
from connector.errors import ConfigurationError

Connection = psycopg.Connection[TupleRow]
Shelf = tuple[str, str, str]
"""Corpus, organisation and audience."""

LAYOUT = 3
"""Changed by hand with the tables below: an index with another layout is not read but made again."""
EXACT_UP_TO = 10_000
"""In passages. Up to there every vector is compared; beyond it an approximate index (HNSW) is built."""
MANY, COMMON = 100_000, 0.1
"""Among that many passages, a stem that more than this share of them holds is searched in documents only: to read all
that hold it takes the most time, and it says the least."""
K1, B = 1.5, 0.75
"""BM25: how fast repeats stop counting, and how much length does."""

_TABLES: LiteralString = """
CREATE SCHEMA {schema};
CREATE TABLE {schema}.about (embedder text NOT NULL, dimension int NOT NULL);
CREATE SEQUENCE {schema}.number;  -- never given twice: postings outlive for a moment what they point to
CREATE TABLE {schema}.shelf (  -- what searches are limited by; every posting and vector names its own
    number serial PRIMARY KEY, corpus text NOT NULL, organisation text NOT NULL, audience text NOT NULL,
    UNIQUE (corpus, organisation, audience)
);
CREATE TABLE {schema}.document (
    number bigint PRIMARY KEY, id text NOT NULL UNIQUE, shelf int NOT NULL REFERENCES {schema}.shelf,
    digest text NOT NULL, title text NOT NULL, url text NOT NULL, date date,
    title_length int NOT NULL, length int NOT NULL, mentions_length int NOT NULL  -- in stems
);
CREATE INDEX ON {schema}.document (shelf);
CREATE TABLE {schema}.passage (
    number bigint PRIMARY KEY, document bigint NOT NULL REFERENCES {schema}.document ON DELETE CASCADE,
    id text NOT NULL UNIQUE, path text[] NOT NULL, text text NOT NULL,
    length int NOT NULL  -- in stems
);
CREATE INDEX ON {schema}.passage (document);
CREATE TABLE {schema}.vector (
    passage bigint PRIMARY KEY REFERENCES {schema}.passage ON DELETE CASCADE,
    shelf int NOT NULL, value halfvec({dimension}) NOT NULL
);
ALTER TABLE {schema}.vector ALTER value SET STORAGE PLAIN;  -- kept in the row, where a scan finds it
CREATE TABLE {schema}.middle (  -- the mean of a document's vectors
    document bigint PRIMARY KEY REFERENCES {schema}.document ON DELETE CASCADE,
    shelf int NOT NULL, value halfvec({dimension}) NOT NULL
);
ALTER TABLE {schema}.middle ALTER value SET STORAGE PLAIN;
CREATE TABLE {schema}.posting (
    scope smallint, stem text, item bigint, shelf int, occurrences int, weight real  -- 0: not searched
);
CREATE TABLE {schema}.rarity (stem text, value float8);  -- of the documents' stems; the empty one is for all others
"""

_FRESH: LiteralString = """
CREATE TEMPORARY TABLE fresh_posting (scope smallint, stem text, item bigint, occurrences int) ON COMMIT DROP
"""

# BM25 as Lucene weighs it. Every weight depends on the whole corpus, so all are made again, beside those in use.
_WEIGH: LiteralString = """
CREATE TABLE {schema}.posting_next AS
WITH item AS (
    SELECT 1 AS scope, passage.number AS item, shelf, passage.length
    FROM {schema}.passage JOIN {schema}.document ON document.number = passage.document
    UNION ALL SELECT 2, number, shelf, title_length FROM {schema}.document
    UNION ALL SELECT 3, number, shelf, length FROM {schema}.document
    UNION ALL SELECT 4, number, shelf, mentions_length FROM {schema}.document
), size AS (
    SELECT scope, count(*) AS items, avg(length)::float8 AS mean FROM item GROUP BY scope
), counted AS (
    SELECT scope, stem, item, occurrences FROM {schema}.posting
    UNION ALL SELECT scope, stem, item, occurrences FROM fresh_posting
), kept AS (
    SELECT counted.*, shelf, length FROM counted JOIN item USING (scope, item)
), rarity AS (
    SELECT scope, stem, count(*) AS holding, ln(1 + (items - count(*) + 0.5)::float8 / (count(*) + 0.5)) AS idf
    FROM kept JOIN size USING (scope) GROUP BY scope, stem, items
)
SELECT scope::smallint, stem, item, shelf, occurrences, CASE
    WHEN scope = 1 AND items >= {many} AND holding > {common} * items THEN 0
    ELSE idf * occurrences / (occurrences + {k1} * (1 - {b} + {b} * length / greatest(mean, 1)))
END::real AS weight FROM kept JOIN size USING (scope) JOIN rarity USING (scope, stem)
ORDER BY scope, stem;
CREATE INDEX ON {schema}.posting_next (scope, stem) INCLUDE (item, shelf, weight) WHERE weight > 0;
ANALYZE {schema}.posting_next;
CREATE TABLE {schema}.rarity_next AS
WITH size AS (SELECT count(*) AS items FROM {schema}.document), held AS (
    SELECT stem, count(*) AS holding FROM {schema}.posting_next WHERE scope = 3 AND weight > 0 GROUP BY stem
    UNION ALL SELECT '', 0
)
SELECT stem, ln(1 + (items - holding + 0.5) / (holding + 0.5))::float8 AS value FROM held, size;
CREATE INDEX ON {schema}.rarity_next (stem) INCLUDE (value);
"""

# Searches wait here, for the milliseconds until the commit, and then find the new table.
_SWITCH: LiteralString = """
DROP TABLE {schema}.posting;
ALTER TABLE {schema}.posting_next RENAME TO posting;
DROP TABLE {schema}.rarity;
ALTER TABLE {schema}.rarity_next RENAME TO rarity;
"""

_SHELVES: LiteralString = """
INSERT INTO {schema}.shelf (corpus, organisation, audience) SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
ON CONFLICT DO NOTHING"""

_ERASE: LiteralString = """
DELETE FROM {schema}.document WHERE shelf IN (SELECT number FROM {schema}.shelf WHERE organisation = %s)"""

_EMBED: LiteralString = """
INSERT INTO {schema}.vector (passage, shelf, value)
SELECT passage.number, shelf, made.value::halfvec FROM unnest(%s::text[], %s::text[]) AS made (id, value)
JOIN {schema}.passage USING (id) JOIN {schema}.document ON document.number = passage.document
ON CONFLICT (passage) DO UPDATE SET value = excluded.value"""

_FORGET_MIDDLES: LiteralString = """
DELETE FROM {schema}.middle USING {schema}.passage WHERE middle.document = passage.document AND id = ANY(%s)"""

_MIDDLES: LiteralString = """
INSERT INTO {schema}.middle (document, shelf, value)
SELECT passage.document, shelf, avg(value) FROM {schema}.passage JOIN {schema}.vector ON vector.passage = number
WHERE NOT EXISTS (SELECT FROM {schema}.middle WHERE middle.document = passage.document)
GROUP BY passage.document, shelf"""

_APPROXIMATE: LiteralString = """
CREATE INDEX IF NOT EXISTS vector_near ON {schema}.vector USING hnsw (value halfvec_cosine_ops)
"""


class Writer:
    """Writes one index within the caller's transaction."""

    def __init__(self, connection: Connection, schema: str) -> None:
        self._connection, self._schema = connection, schema

    def create(self, embedder: str, dimension: int) -> None:
        """Make the empty index. Raises ConfigurationError where pgvector is missing and cannot be added."""
        require_pgvector(self._connection)
        self._execute(_TABLES, dimension=sql.Literal(dimension))
        self._execute("INSERT INTO {schema}.about VALUES (%s, %s)", embedder, dimension)

    def remove(self, documents: Sequence[str]) -> None:
        """Drop documents, and all that is known of them; `weigh` drops their postings."""
        self._execute("DELETE FROM {schema}.document WHERE id = ANY(%s)", list(documents))

    def erase(self, organisation: str) -> None:
        """Drop the documents of an organisation; `weigh` drops their postings."""
        self._execute(_ERASE, organisation)

    def add(self, entries: Sequence[Embedded]) -> None:
        """Add documents; `weigh` makes them searchable."""
        self._execute(_FRESH)
        shelves = self._shelves(entries)
        documents = self._numbered(entries)
        passages = self._numbered(
            [(number, passage) for number, entry in documents for passage in entry.document.passages]
        )
        analysed = {number: stems(searchable(passage)) for number, (_, passage) in passages}
        titles = {number: stems(entry.document.title) for number, entry in documents}
        wholes = {number: stems(entry.document.text) for number, entry in documents}
        mentions = {number: stems(entry.document.mentions) for number, entry in documents}
        lengths = {number: (len(titles[number]), len(wholes[number]), len(mentions[number])) for number, _ in documents}
        self._copy(
            "document (number, id, shelf, digest, title, url, date, title_length, length, mentions_length)",
            (
                (n, d.id, shelves[_shelf(d)], d.digest, d.title, d.url, d.date, *lengths[n])
                for n, d in ((number, entry.document) for number, entry in documents)
            ),
        )
        self._copy(
            "passage (number, document, id, path, text, length)",
            (
                (number, document, passage.id, list(passage.path), passage.text, len(analysed[number]))
                for number, (document, passage) in passages
            ),
        )
        vectors = chain.from_iterable(entry.vectors for entry in entries)
        self.embed({p.id: vector for (_, (_, p)), vector in zip(passages, vectors, strict=True) if vector is not None})
        postings = chain(
            _postings(Scope.PASSAGES, analysed),
            _postings(Scope.TITLES, titles),
            _postings(Scope.DOCUMENTS, wholes),
            _postings(Scope.MENTIONS, mentions),
        )
        with self._connection.cursor() as cursor, cursor.copy("COPY fresh_posting FROM STDIN") as copy:
            for posting in postings:
                copy.write_row(posting)

    def embed(self, vectors: Mapping[str, bytes]) -> None:
        """Give passages their vectors, by the passages' ids."""
        if vectors:
            self._execute(_FORGET_MIDDLES, list(vectors))
            self._execute(_EMBED, list(vectors), [str(floats(vector)) for vector in vectors.values()])

    def weigh(self) -> None:
        """Make all BM25 weights again and put them in place of the old ones."""
        self._execute(_WEIGH, k1=sql.Literal(K1), b=sql.Literal(B), many=sql.Literal(MANY), common=sql.Literal(COMMON))
        self._execute(_SWITCH)

    def settle(self) -> None:
        """Let the planner know what there is, and search vectors through an index where they are many."""
        self._execute(_MIDDLES)
        passages = self._connection.execute(self._sql("SELECT count(*) FROM {schema}.vector")).fetchone()
        if passages and passages[0] > EXACT_UP_TO:
            self._execute(_APPROXIMATE)
        for table in ("document", "passage", "vector", "middle", "rarity"):
            self._execute("ANALYZE {schema}." + table)

    def _shelves(self, entries: Sequence[Embedded]) -> dict[Shelf, int]:
        """The number of each shelf that those documents stand on; missing ones are made."""
        shelves = {_shelf(entry.document) for entry in entries}
        self._execute(_SHELVES, *map(list, zip(*shelves, strict=True)) if shelves else ([], [], []))
        rows = self._connection.execute(self._sql("SELECT corpus, organisation, audience, number FROM {schema}.shelf"))
        return {(corpus, organisation, audience): number for corpus, organisation, audience, number in rows}

    def _numbered(self, things: Sequence[Any]) -> list[tuple[int, Any]]:
        query = self._sql("SELECT nextval(%s) FROM generate_series(1, %s)")
        rows = self._connection.execute(query, [f"{self._schema}.number", len(things)])
        return [(row[0], thing) for row, thing in zip(rows, things, strict=True)]

    def _copy(self, table: LiteralString, rows: Iterable[tuple[Any, ...]]) -> None:
        statement = self._sql("COPY {schema}." + table + " FROM STDIN")
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    def _execute(self, statement: LiteralString, *values: Any, **literals: sql.Composable) -> None:
        self._connection.execute(self._sql(statement, **literals), values or None)

    def _sql(self, statement: LiteralString, **literals: sql.Composable) -> sql.Composed:
        return sql.SQL(statement).format(schema=sql.Identifier(self._schema), **literals)


def require_pgvector(connection: Connection) -> None:
    """Add pgvector to the database if it is not there yet."""
    if connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'vector'").fetchone():
        return
    try:
        with connection.transaction():
            connection.execute("CREATE EXTENSION vector")
    except (errors.InsufficientPrivilege, errors.FeatureNotSupported, errors.UndefinedFile) as error:
        raise ConfigurationError(
            f"the index needs the extension pgvector in the database {connection.info.dbname!r}: let an administrator"
            f" of PostgreSQL install it and run CREATE EXTENSION vector there once ({error.diag.message_primary})"
        ) from None


def _shelf(document: Document) -> Shelf:
    return document.corpus, document.organisation, document.audience


def _postings(scope: Scope, items: dict[int, list[str]]) -> Iterator[tuple[int, str, int, int]]:
    for item, words in items.items():
        for stem, occurrences in Counter(words).items():
            yield scope.value, stem, item, occurrences
