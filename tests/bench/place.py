"""Where the benchmarks run: a database with the demo's sheets indexed, and Greffier's neighbours as processes.

Each process is one of its own, as a ministry's are, so that none waits for another's interpreter. Embeddings come over
HTTP; the scripted server's are as long as those of the demo's embedder, and mean nothing.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from psycopg_pool import ConnectionPool

from connector.ticket import Event, EventKind
from tests.conftest import created_database
from webhooks import schema, searching, settings, wiring
from webhooks.config.sources import PATH_VARIABLE
from webhooks.demo.corpus import FEED
from webhooks.demo.processes import Processes, answers, free_port
from webhooks.ledger import Connection, Ledger

NAME, SECRET = "sandbox", "a webhook's secret"
STARTS = 60.0  # seconds
DIMENSION = 384
_CONFIG = """
database_url = "{database}"

[helpdesks.sandbox]
kind = "zammad"
url = "http://127.0.0.1:{helpdesk}"
token = "{token}"
webhook_secret = "{secret}"
start = 2020-01-01T00:00:00Z
groups = {{ "État civil" = "draft" }}

[chat]
base_url = "http://127.0.0.1:{models}/v1"
model = "modele-local"

[embeddings]
base_url = "http://127.0.0.1:{models}/v1"
model = "modele-local"

[sources.service-public]
kind = "service-public"
path = "{feed}"
refresh_hours = 0

[retrieval]
min_cosine = -1      # the scripted server's vectors mean nothing

[web]
port = {web}

[worker]
concurrency = {concurrency}
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Greffier's database and neighbours; `web` and `worker` are started on demand, and stopped at the end."""

    settings: settings.Settings
    pool: ConnectionPool[Connection]
    processes: Processes
    _config: Path

    @property
    def ledger(self) -> Ledger:
        """The inbox."""
        return Ledger(self.pool)

    def accept(self, tickets: range) -> None:
        """Take in the message of each of those tickets of the helpdesk."""
        for number in tickets:
            self.ledger.accept(Event(NAME, str(number), str(number), EventKind.MESSAGE))

    def start_web(self) -> psutil.Process:
        """Run `greffier web`, and wait until it takes messages in."""
        process = self._start("web")
        self.processes.wait_until(lambda: answers(f"http://127.0.0.1:{self.settings.web.port}/readyz"), STARTS, "web")
        return process

    def start_worker(self) -> psutil.Process:
        """Run `greffier worker`."""
        return self._start("worker")

    def _start(self, command: str) -> psutil.Process:
        environment = {PATH_VARIABLE: str(self._config)}
        return psutil.Process(self.processes.start(command, "-m", "webhooks", command, environment=environment))

    def count(self, where: str = "state = 'posted'") -> int:
        """How many messages of the inbox are so."""
        with self.pool.connection() as connection:
            return int(connection.execute(f"SELECT count(*) FROM inbox WHERE {where}").fetchall()[0][0])  # type: ignore[arg-type]  # noqa: S608


@contextmanager
def place(server: str, *, tickets: int, slots: int, latency: float, concurrency: int = 4) -> Iterator[Place]:
    """A new place on that PostgreSQL: a helpdesk with so many tickets, and a model of so many slots.

    `latency` is the seconds that an answer of the model takes.
    """
    with (
        tempfile.TemporaryDirectory(prefix="greffier-bench-") as folder,
        created_database(server) as database,
        Processes(Path(folder) / "logs") as processes,
    ):
        ports = {name: free_port() for name in ("helpdesk", "models", "web")}
        token = secrets.token_urlsafe(24)
        model = ["--slots", str(slots), "--latency", str(latency), "--embeddings", "--dimension", str(DIMENSION)]
        processes.start("models", "-m", "webhooks.demo.model_server", "--port", str(ports["models"]), *model)
        processes.start("helpdesk", "-m", "tests.bench.helpdesk", str(ports["helpdesk"]), token, str(tickets))
        config = Path(folder) / "greffier.toml"
        config.write_text(
            _CONFIG.format(database=database, token=token, secret=SECRET, concurrency=concurrency, feed=FEED, **ports),
            "utf-8",
        )
        given = settings.load(config, {})
        processes.wait_until(lambda: answers(f"{given.chat.base_url}/models"), STARTS, "the model server")
        processes.wait_until(lambda: answers(f"http://127.0.0.1:{ports['helpdesk']}/"), STARTS, "the helpdesk")
        schema.migrate(database)
        with wiring.database(given, connections=4) as pool:
            with searching.indexing(given, pool) as run:
                run(wiring.readers(given, given.sources))
            yield Place(given, pool, processes, config)
