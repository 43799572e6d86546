"""The least that takes a message in durably: one Flask route behind gunicorn that does the two INSERTs, and no more.

It is what `greffier web` is compared with: the same number of processes and threads, gunicorn's own `gthread`, the same
PostgreSQL through psycopg's pool, one transaction. It reads the ids from the payload's JSON. It verifies no signature
and nothing of the payload's shape, bounds nothing, logs nothing, does not ask whether its connection lives, and knows
no repeats.
"""

from __future__ import annotations

import sys

from flask import Flask, Response, request
from gunicorn.app.base import BaseApplication
from psycopg_pool import ConnectionPool

TABLE = "CREATE TABLE bare (LIKE inbox INCLUDING ALL)"
_MESSAGE = "INSERT INTO bare (key, helpdesk, ticket, message, kind) VALUES (%s, 'bare', %s, %s, 'message')"
_JOB = "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args) VALUES ('bare', 'draft', %s, %s::jsonb)"


def create_app(database: str, threads: int) -> Flask:
    app = Flask("bare")
    pool = ConnectionPool(database, min_size=1, max_size=threads, open=True)

    @app.post("/bare")
    def bare() -> Response:
        payload = request.get_json()
        ticket, message = str(payload["ticket"]["id"]), str(payload["article"]["id"])
        with pool.connection() as connection:
            connection.execute(_MESSAGE, [f"bare:{message}", ticket, message])
            connection.execute(_JOB, [f"bare:{ticket}", f'{{"key": "bare:{message}"}}'])
        return Response(status=202)

    return app


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, database: str, port: int, workers: int, threads: int) -> None:
        self._database, self._threads = database, threads
        self._options = {"bind": f"127.0.0.1:{port}", "worker_class": "gthread", "workers": workers, "threads": threads}
        super().__init__()

    def load_config(self) -> None:
        for name, value in {**self._options, "control_socket_disable": True}.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(self._database, self._threads)


if __name__ == "__main__":
    database, *numbers = sys.argv[1:]
    _Server(database, *map(int, numbers)).run()
