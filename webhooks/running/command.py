"""`greffier run`: database, web and worker on one machine, kept running until we are asked to stop."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from connector.errors import GreffierError
from webhooks import schema
from webhooks.running.child import spawn
from webhooks.running.lock import only_one
from webhooks.running.postgres import PROGRAM, STOPS, Postgres
from webhooks.running.supervisor import TICK, Child, StopSignals, stop
from webhooks.settings import Settings

log = logging.getLogger("greffier.run")

GRACE = 30.0  # seconds over the model's limit that a draft in progress has
ATTEMPTS = 3  # of a database that does not start
WRONG_SETTINGS = 2  # the status of a command with a ConfigurationError
ORPHANED = {
    "web": signal.SIGTERM,  # it stops its own processes
    "worker": signal.SIGKILL,  # it would wait for a draft that it could no longer keep
}


def run(given: Settings, config: Path | None) -> int:
    """Run until SIGTERM, SIGINT or SIGHUP; the exit status. A second one of these does not wait for drafts.

    Raises GreffierError if the database cannot be started or brought up to date.
    """
    asked = StopSignals()
    with ExitStack() as stack:
        kept = []
        if given.data is not None:
            stack.enter_context(only_one(given.data, "data", PROGRAM))
            server = Postgres(given.data)
            server.prepare()
            database = Child("database", server.spawn)
            kept.append(database)
            stack.callback(stop, kept, signal.SIGINT, STOPS, lambda: False)
            if not _is_started(database, server, asked):
                return 0
            server.create_database()
        for name in schema.migrate(given.database_url.get_secret_value()):
            log.info("applied %s", name)
        services = [Child(name, partial(_greffier, name, config), final=WRONG_SETTINGS) for name in ORPHANED]
        stack.callback(stop, services, signal.SIGTERM, given.chat.timeout + GRACE, lambda: asked.count > 1)
        log.info("web on %s:%s, and worker", given.web.host, given.web.port)
        status = _tend([*kept, *services], asked)
        log.info("stopping; drafts in progress are finished" if not status else "stopping")
        return status


def _is_started(database: Child, server: Postgres, asked: StopSignals) -> bool:
    """Wait until the database takes connections; False if we are asked to stop first."""
    ends = 0
    while not asked.count:
        if database.tend() is not None:
            ends += 1
        if ends == ATTEMPTS:
            raise GreffierError("data: the database does not start; what it says is above")
        if database.process and server.is_ready():
            return True
        time.sleep(TICK)
    return False


def _greffier(name: str, config: Path | None) -> subprocess.Popen[bytes]:
    options = ["--config", str(config)] if config else []
    return spawn([sys.executable, "-m", "webhooks", *options, name], when_orphaned=ORPHANED[name])


def _tend(children: Sequence[Child], asked: StopSignals) -> int:
    while not asked.count:
        for child in children:
            status = child.tend()
            if status is not None and status == child.final:
                log.error("%s: it cannot work as things are, see above", child.name)
                return status
        time.sleep(TICK)
    return 0
