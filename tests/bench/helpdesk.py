"""The sandbox helpdesk in a process of its own, with tickets in it.

`python -m tests.bench.helpdesk PORT TOKEN TICKETS`. Ticket and article number n belong together, from 1 on. The
messages are the demo's, over and over, each with a number: no two are the same.
"""

from __future__ import annotations

import sys

from flask import Flask
from gunicorn.app.base import BaseApplication

from webhooks.demo.messages import MESSAGES
from webhooks.demo.sandbox import Sandbox, SandboxConfig


class _Server(BaseApplication):  # type: ignore[misc]
    """One process, which keeps connections open as Zammad's nginx does; the sandbox's own server closes each."""

    def __init__(self, port: int, token: str, tickets: int) -> None:
        self._port, self._token, self._tickets = port, token, tickets
        super().__init__()

    def load_config(self) -> None:
        """What gunicorn asks its applications for."""
        given = {"bind": f"127.0.0.1:{self._port}", "worker_class": "gthread", "threads": 40, "keepalive": 75}
        for name, value in {**given, "loglevel": "warning", "control_socket_disable": True}.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """What gunicorn serves."""
        sandbox = Sandbox(SandboxConfig(token=self._token))
        for number in range(self._tickets):
            message = MESSAGES[number % len(MESSAGES)]
            text = f"{message.text}\n\nDossier {number}"
            sandbox.write_as_customer(message.subject, text, customer=message.customer)
        return sandbox.app


if __name__ == "__main__":
    _Server(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])).run()
