"""The whole of Greffier on one machine, as its users have it: processes, a database, a helpdesk, a model server.

The helpdesk is the sandbox and the model server the scripted one; the rest is what production runs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from click.testing import CliRunner, Result

from webhooks.cli import cli
from webhooks.demo.corpus import FEED
from webhooks.demo.model_answers import Script
from webhooks.demo.model_server import ModelServer
from webhooks.demo.processes import answers, free_port
from webhooks.demo.sandbox import Sandbox, SandboxConfig
from webhooks.demo.weaviate_server import WeaviateServer

SECRET = "a webhook's secret"
CONFIG = """
database_url = "{database}"

[helpdesks.sandbox]
kind = "zammad"
url = "{helpdesk}"
token = "{token}"
webhook_secret = "{secret}"
start = 2020-01-01T00:00:00Z
groups = {{ "État civil" = "draft", "Urbanisme" = "off" }}
timeout = 5

[chat]
base_url = "{models}"
model = "{model}"
timeout = 5

[embeddings]
base_url = "{models}"
model = "{model}"

[sources.service-public]
kind = "service-public"
path = "{feed}"

[retrieval]
min_cosine = -1      # the scripted server's vectors mean nothing

[web]
port = {port}

[worker]
stalled_after = 3
"""


class System:
    """Greffier with its neighbours. `web` and `worker` are started on demand and may be killed."""

    def __init__(self, folder: Path, database: str) -> None:
        self.database = database
        self.sandbox = Sandbox(SandboxConfig()).start()
        self.models = ModelServer(Script(embeddings=True)).start()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "greffier.toml"
        self.logs = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        """Of each command the process started last."""
        self._processes: list[subprocess.Popen[bytes]] = []
        self.config.write_text(
            CONFIG.format(
                database=database,
                helpdesk=self.sandbox.url,
                token=self.sandbox.token,
                secret=SECRET,
                models=self.models.url,
                model=self.models.script.models[0],
                feed=FEED,
                port=self.port,
            ),
            "utf-8",
        )

    def configure(self, line: str, section: str = "helpdesks.sandbox") -> None:
        """Add a setting to a section, or change it."""
        name = line.split("=")[0].strip()
        before, header, after = self.config.read_text("utf-8").partition(f"[{section}]\n")
        kept, bracket, rest = after.partition("\n[")
        others = "\n".join(one for one in kept.split("\n") if one.split("=")[0].strip() != name)
        self.config.write_text(f"{before}{header}{line}\n{others}{bracket}{rest}", "utf-8")

    def keep_index_in(self, weaviate: WeaviateServer, **more: object) -> None:
        """Let that Weaviate be the store; `more` are other settings of `[store]`."""
        section = {
            "kind": "weaviate",
            "url": weaviate.url,
            "grpc_port": weaviate.grpc_port,
            "api_key": weaviate.api_key,
        } | more
        lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in section.items())
        before = self.config.read_text("utf-8").partition("\n[store]\n")[0]
        self.config.write_text(f"{before}\n[store]\n{lines}\n", "utf-8")

    def start(self, command: str) -> subprocess.Popen[bytes]:
        """Run `greffier COMMAND`."""
        with (self.logs / f"{command}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "webhooks", "--config", str(self.config), command],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        self.processes[command] = process
        self._processes.append(process)
        return process

    def start_web(self) -> None:
        """Run the web process, tell the helpdesk of it, and wait until it takes messages in."""
        self.start("web")
        self.sandbox.set_up(f"{self.url}/webhooks/sandbox", SECRET)
        wait_until(lambda: answers(f"{self.url}/readyz"))

    def run(self, *arguments: str) -> Result:
        """Run a command that ends."""
        return CliRunner().invoke(cli, ["--config", str(self.config), *arguments])

    def connection(self) -> psycopg.Connection[Any]:
        """A connection to the database."""
        return psycopg.connect(self.database)

    def execute(self, sql: str) -> None:
        """Change the database."""
        with self.connection() as connection:
            connection.execute(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the database answers."""
        with self.connection() as connection:
            return connection.execute(sql).fetchall()  # type: ignore[arg-type]

    def states(self) -> list[str]:
        """The state of each message."""
        return [state for (state,) in self.rows("SELECT state FROM inbox ORDER BY accepted_at")]

    def log(self, command: str) -> str:
        """What a process has printed."""
        return (self.logs / f"{command}.log").read_text("utf-8")

    def stop(self) -> None:
        """End everything."""
        for process in self._processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.sandbox.stop()
        self.models.stop()


@contextmanager
def system(folder: Path, database: str) -> Iterator[System]:
    """Greffier's neighbours, and a database in which the sample of sheets is indexed."""
    running = System(folder, database)
    try:
        yield running
    finally:
        running.stop()


def unforeseen(log: str, *expected: str) -> list[str]:
    """The lines of a log, as text, that tell of what nobody foresaw: errors, and places in the code.

    `webhooks.logs` writes those places; Python does too, after "Traceback", where that is not in use. A line that has
    one of `expected` in it is left out.
    """
    marks = (" ERROR ", " CRITICAL ", '  File "', "Traceback ")
    lines = [line for line in log.splitlines() if any(mark in line for mark in marks)]
    return [line for line in lines if not any(one in line for one in expected)]


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for that to be so; the limit only ends a test that would hang."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)
