"""gunicorn, configured for what the web process does: short requests, each a transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from webhooks.settings import WebSettings


class Server(BaseApplication):  # type: ignore[misc]
    """Serves an application with threads. It is made in each worker, after the fork: connections do not survive one."""

    def __init__(self, make_app: Callable[[], Flask], settings: WebSettings) -> None:
        self._make_app = make_app
        self._options: dict[str, Any] = {
            "bind": f"{settings.host}:{settings.port}",
            "worker_class": "gthread",
            "workers": settings.workers,
            "threads": settings.threads,
            "timeout": 30,
            "max_requests": 5000,
            "max_requests_jitter": 500,
            "control_socket_disable": True,  # it would be opened in the home folder, which may be read-only
            "proc_name": "greffier-web",
        }
        super().__init__()

    def load_config(self) -> None:
        """What gunicorn asks its applications for."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """What gunicorn serves."""
        return self._make_app()
