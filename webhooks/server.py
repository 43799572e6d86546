"""gunicorn, configured for what the web process does: short requests, each a transaction."""

from __future__ import annotations

import socket
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from connector.errors import GreffierError
from webhooks.config.processes import WebSettings
from webhooks.framing import HEADER_FIELD_SIZE, HEADER_FIELDS
from webhooks.gunicorn_worker import WholeRequests
from webhooks.multiprocess import Together

if TYPE_CHECKING:
    from flask import Flask  # the first process needs none


class _Log(Logger):  # type: ignore[misc]
    """gunicorn's log through ours, in its format."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.setLevel(0)  # `webhooks.logs` decides
        self.error_log.propagate = True


def require_free(settings: WebSettings) -> None:
    """Raise GreffierError if nobody may listen where the settings say; gunicorn would try for a while, and not say."""
    try:
        with socket.create_server((settings.host, settings.port)):
            pass
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise GreffierError(f"web.host, web.port: cannot listen on {where}: {error.strerror or error}") from None


class Server(BaseApplication):  # type: ignore[misc]
    """Serves an application with threads. It is made in each worker, after the fork: connections do not survive one.

    The workers count in `together`, each in the place that it is given here.
    """

    def __init__(self, make_app: Callable[[], Flask], settings: WebSettings, together: Together) -> None:
        self._make_app = make_app
        self._together = together
        self._options: dict[str, Any] = {
            "bind": f"{settings.host}:{settings.port}",
            "worker_class": WholeRequests,  # threads, which slow senders cannot hold
            "workers": settings.workers,
            "threads": settings.threads,
            "timeout": 30,
            "limit_request_fields": HEADER_FIELDS,
            "limit_request_field_size": HEADER_FIELD_SIZE,
            "max_requests": 50_000,  # each new process costs the deliveries of its first half second some patience
            "max_requests_jitter": 5000,
            "control_socket_disable": True,  # it would be opened in the home folder, which may be read-only
            "proc_name": "greffier-web",
            "logger_class": _Log,
            "pre_fork": self._place,
        }
        super().__init__()

    def load_config(self) -> None:
        """What gunicorn asks its applications for."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def _place(self, arbiter: Arbiter, worker: WholeRequests) -> None:
        """Give a worker that is about to be forked the first place that no living one has."""
        taken = {living.place for living in arbiter.WORKERS.values()}
        worker.place = self._together.place = next(place for place in count() if place not in taken)

    def load(self) -> Flask:
        """What gunicorn serves."""
        return self._make_app()
