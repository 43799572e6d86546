"""The questions that a model wrote for documents, in PostgreSQL, by what they were made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg_pool import ConnectionPool

from webhooks.ledger import Connection


class Hints:
    """A `chains.hints.HintCache`: it survives the index, which can be made again without asking the model."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool

    def get_many(self, model: str, version: str, digests: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Those that are known, by digest."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT encode(digest, 'hex'), questions FROM hint"
                " WHERE model = %s AND version = %s AND digest = ANY(%s)",
                [model, version, [bytes.fromhex(digest) for digest in digests]],
            )
            return {digest: tuple(questions) for digest, questions in rows}

    def put(self, model: str, version: str, digest: str, questions: Sequence[str]) -> None:
        """Keep the questions of one document, durably when this returns."""
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO hint (model, version, digest, questions) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (model, version, digest) DO UPDATE SET questions = excluded.questions",
                [model, version, bytes.fromhex(digest), list(questions)],
            )
