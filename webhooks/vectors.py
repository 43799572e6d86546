"""The embedding cache, in PostgreSQL: vectors by what they were made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg_pool import ConnectionPool

from webhooks.ledger import Connection


class Vectors:
    """A `chains.indexing.VectorCache`: it survives the index, which can be made again without embedding anything."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    def get_many(self, model: str, prefix: str, digests: Sequence[str]) -> Mapping[str, bytes]:
        """The vectors that are known, by digest."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT encode(digest, 'hex'), vector FROM embedding"
                " WHERE model = %s AND prefix = %s AND digest = ANY(%s)",
                [model, prefix, [bytes.fromhex(digest) for digest in digests]],
            )
            return dict(rows.fetchall())

    def put_many(self, model: str, prefix: str, vectors: Mapping[str, bytes]) -> None:
        """Keep vectors, durably when this returns."""
        rows = [(model, prefix, bytes.fromhex(digest), vector) for digest, vector in vectors.items()]
        with self._pool.connection() as connection, connection.transaction():
            connection.cursor().executemany(
                "INSERT INTO embedding (model, prefix, digest, vector) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (model, prefix, digest) DO UPDATE SET vector = excluded.vector",
                rows,
            )
