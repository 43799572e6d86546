"""A sandbox that runs, and somebody who listens to its deliveries."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from webhooks.demo.sandbox import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox().start() as sandbox:
        yield sandbox


@dataclass
class Delivery:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Keeps what it is sent; answers `answers` in turn, and 202 once they are used up.

    `arrived` is set by the first delivery, `before_answer` is called before each answer.
    """

    url: str = ""
    received: list[Delivery] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    before_answer: Callable[[], None] = lambda: None


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(Delivery(self.command, self.path, dict(self.headers), body))
            receiver.arrived.set()
            receiver.before_answer()
            status, headers = receiver.answers.pop(0) if receiver.answers else (202, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/webhooks/zammad"
    yield receiver
    server.shutdown()
    server.server_close()


class Api:
    """Calls the sandbox as one account."""

    def __init__(self, sandbox: Sandbox, token: str) -> None:
        self.url = f"{sandbox.url}/api/v1"
        self.headers = {"Authorization": f"Token token={token}"}

    def call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        return requests.request(method, self.url + path, headers=self.headers, timeout=20, **kwargs)

    def add_note(self, ticket_id: int, body: str = "<p>Projet</p>", **fields: Any) -> requests.Response:
        note = {"type": "note", "internal": True, "sender": "System", "content_type": "text/html"}
        return self.call("POST", "/ticket_articles", json=note | {"ticket_id": ticket_id, "body": body} | fields)


@pytest.fixture
def api(sandbox: Sandbox) -> Api:
    return Api(sandbox, sandbox.token)
