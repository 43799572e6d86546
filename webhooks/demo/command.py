"""`greffier demo`: the main job on one machine, with real parts in place of a ministry's.

An embedded PostgreSQL, a small real model, real sheets, a sandbox helpdesk; then `greffier web` and `greffier worker`
as anywhere else, configured by a file that can be read. Each run starts on an empty database and an empty index.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import requests
from psycopg_pool import ConnectionPool

from connector.errors import GreffierError
from webhooks import schema, searching, settings, wiring
from webhooks.config.sources import PATH_VARIABLE
from webhooks.demo import corpus, report, weights
from webhooks.demo.messages import MESSAGES
from webhooks.demo.processes import Processes, answers, free_port
from webhooks.demo.report import Sent
from webhooks.demo.sandbox import Sandbox, SandboxConfig
from webhooks.demo.weaviate_server import WeaviateServer
from webhooks.ledger import Connection, Ledger
from webhooks.running import postgres
from webhooks.running.lock import only_one
from webhooks.vectors import Vectors

GROUPS = ("Accueil du public", "État civil")
"""Those that are drafted for; the sandbox has another, so that moving in and out can be tried."""
MODEL_STARTS, WEB_STARTS, ALL_SETTLED = 300.0, 60.0, 1200.0  # seconds
CONFIGURATION = """\
# Written by `greffier demo`, anew at each start.
database_url_file = "{folder}/database_url"

[helpdesks.sandbox]
kind = "zammad"
url = "{helpdesk}"
token_file = "{folder}/token"
webhook_secret_file = "{folder}/webhook_secret"
groups = {{ {groups} }}
offer_draft = true

[store]
{store}

[chat]
base_url = "{chat}"
model = "{model}"
timeout = 300      # a model on a processor takes its time
max_tokens = 520

[sources.service-public]
kind = "service-public"
path = "{feed}"

[retrieval]
passages = 3
passage_chars = 600

[web]
port = {port}
workers = 1

[worker]
concurrency = 1
"""
STORE = """\
kind = "weaviate"
url = "{url}"
grpc_port = {grpc_port}
api_key_file = "{folder}/store_key"\
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line was given."""

    data: Path
    once: bool = False
    as_json: bool = False
    model: Path | None = None
    base_url: str | None = None
    chat_model: str | None = None
    threads: int | None = None
    store: str = "postgres"


def run(options: Options) -> int:
    """Run the demo; the exit status. Ctrl-C ends it and leaves nothing running."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    logging.getLogger("greffier").setLevel(logging.WARNING)  # what happens is told on the terminal, once
    say = report.Reporter(as_json=options.as_json)
    try:
        with ExitStack() as stack:
            return _run(options, say, stack)
    except KeyboardInterrupt:
        say.line("stopped")
        return 130 if options.once else 0


def _run(options: Options, say: report.Reporter, stack: ExitStack) -> int:
    folder = options.data.resolve()
    stack.enter_context(only_one(folder, "--data", "demo"))
    say.line("starting PostgreSQL")
    stack.enter_context(postgres.running(folder)).create_database(anew=True)
    database_url = postgres.address(folder)
    processes = stack.enter_context(Processes(folder / "logs"))
    chat, model = _chat(options, folder, processes, say)
    store = _store(options, folder, stack, say)
    sandbox = stack.enter_context(Sandbox(SandboxConfig(groups=GROUPS)).start())
    config = _configure(folder, database_url, sandbox, store, chat, model)
    say.line("indexing the sample sheets")
    schema.migrate(database_url)
    given = settings.load(config, {})
    pool = stack.enter_context(wiring.database(given, connections=2))
    say.line(_index(given, pool))
    _serve(config, given, sandbox, processes)
    if chat != options.base_url:
        say.line("loading the model")
        processes.wait_until(lambda: answers(f"{chat.removesuffix('/v1')}/health"), MODEL_STARTS, "the model")
    say.where(sandbox.url, config, folder / "logs")
    sent = [_send(sandbox, number) for number in range(len(MESSAGES))]
    watch = report.Watch(sent, sandbox, Ledger(pool))
    settled = say.follow(watch, processes.require_alive, ALL_SETTLED)
    say.result(watch)
    if options.once:
        return 0 if settled and watch.ok() else 1
    say.line(f"write to {' or '.join(GROUPS)} in the sandbox as a citizen, or stop with Ctrl-C")
    while True:
        processes.require_alive()
        time.sleep(1)


def _as_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _chat(options: Options, folder: Path, processes: Processes, say: report.Reporter) -> tuple[str, str]:
    """The address and the name of the language model, which is started here unless there is one already."""
    if options.base_url:
        return options.base_url.rstrip("/"), options.chat_model or _first_model(options.base_url.rstrip("/"))
    if options.model is None:
        say.line("finding the model")
    file = options.model or weights.assemble(folder)
    if not file.is_file():
        raise GreffierError(f"--model: {file} is not a file")
    port, name = free_port(), file.stem
    threads = options.threads or len(os.sched_getaffinity(0))
    arguments = ["--model", str(file), "--alias", name, "--port", str(port), "--threads", str(threads)]
    processes.start("model", "-m", "webhooks.demo.local_model", *arguments)
    return f"http://127.0.0.1:{port}/v1", name


def _store(options: Options, folder: Path, stack: ExitStack, say: report.Reporter) -> str:
    """The lines of `[store]`. Weaviate is started here, with nothing in it."""
    if options.store == "postgres":
        return 'kind = "postgres"'
    say.line("starting Weaviate")
    shutil.rmtree(folder / "weaviate", ignore_errors=True)
    server = stack.enter_context(WeaviateServer(folder / "weaviate"))
    _write_secret(folder / "store_key", server.api_key)
    return STORE.format(url=server.url, grpc_port=server.grpc_port, folder=folder)


def _first_model(base_url: str) -> str:
    try:
        name: str = requests.get(f"{base_url}/models", timeout=10).json()["data"][0]["id"]
    except (requests.RequestException, ValueError, LookupError, TypeError):
        raise GreffierError(f"--base-url: {base_url}/models names no model: give its name with --chat-model") from None
    return name


def _configure(folder: Path, database_url: str, sandbox: Sandbox, store: str, chat: str, model: str) -> Path:
    """Write the configuration, with its secrets in files that only we can read."""
    secret = secrets.token_urlsafe(32)
    port = free_port()
    for name, value in (("database_url", database_url), ("token", sandbox.token), ("webhook_secret", secret)):
        _write_secret(folder / name, value)
    sandbox.set_up(f"http://127.0.0.1:{port}/webhooks/sandbox", secret)
    groups = ", ".join(f'"{name}" = "draft"' for name in GROUPS)
    config = folder / "greffier.toml"
    config.write_text(
        CONFIGURATION.format(
            folder=folder,
            helpdesk=sandbox.url,
            groups=groups,
            store=store,
            chat=chat,
            model=model,
            feed=corpus.FEED,
            port=port,
        ),
        "utf-8",
    )
    return config


def _write_secret(path: Path, value: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:  # made with mode 0600
        file.write(value)
    Path(file.name).replace(path)


def _index(given: settings.Settings, pool: ConnectionPool[Connection]) -> str:
    """Index the sample sheets; their vectors are shipped with them."""
    corpus.load_vectors(Vectors(pool), given.embeddings.model, given.embeddings.passage_prefix)
    with searching.indexing(given, pool) as run:
        (outcome,) = run(wiring.readers(given, given.sources))
    if outcome.error:
        raise GreffierError(outcome.error)
    return f"{outcome.documents} sheets indexed, {outcome.counts.embedded} passages embedded"


def _serve(config: Path, given: settings.Settings, sandbox: Sandbox, processes: Processes) -> None:
    environment = {PATH_VARIABLE: str(config), "OMP_WAIT_POLICY": "passive"}
    for name in ("web", "worker"):
        processes.start(name, "-m", "webhooks", name, environment=environment)
    url = f"http://127.0.0.1:{given.web.port}/readyz"
    processes.wait_until(lambda: answers(url), WEB_STARTS, "the web process")


def _send(sandbox: Sandbox, number: int) -> Sent:
    message = MESSAGES[number]
    ticket, article = sandbox.write_as_customer(
        message.subject, message.text, group=GROUPS[0], customer=message.customer
    )
    return Sent(message, ticket, f"sandbox:{article}:message")
