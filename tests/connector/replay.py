"""A neighbour over real HTTP that answers from a script: recorded exchanges, and whatever else may go wrong."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.conftest import FIXTURES


def recorded(name: str) -> dict[str, Any]:
    """A recording of Zammad 5.2 by its file name without `.json`."""
    content: dict[str, Any] = json.loads((FIXTURES / "zammad-5.2" / f"{name}.json").read_text("utf-8"))
    return content


@dataclass(frozen=True)
class Reply:
    """What is answered: `json`, or `text` where it is given. `hang` seconds pass first; `drop` answers nothing."""

    json: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    hang: float = 0.0
    drop: bool = False


@dataclass(frozen=True)
class Call:
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Neighbour:
    """The script and what was asked. The last reply of a path is repeated; a path without one is a 404."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[Call] = []
        self._replies: dict[tuple[str, str], list[Reply]] = defaultdict(list)

    def on(self, method: str, path: str, *replies: Reply) -> None:
        self._replies[method, path] += replies

    def on_recorded(self, name: str, *, path: str | None = None) -> None:
        """Answer as Zammad did; `path` where the recording was of another ticket."""
        request, response = recorded(name)["request"], recorded(name)["response"]
        reply = Reply(response["json"], response["status"], {"X-Request-Id": "recorded"})
        self.on(request["method"], path or request["path"].split("?")[0], reply)

    def asked(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    def reply(self, call: Call) -> Reply:
        self.calls.append(call)
        replies = self._replies[call.method, call.path.split("?")[0]]
        if not replies:
            return Reply({"error": f"No route matches [{call.method}] {call.path}"}, 404)
        return replies.pop(0) if len(replies) > 1 else replies[0]


@contextmanager
def neighbour() -> Iterator[Neighbour]:
    """A neighbour that listens at its `url` until the block ends."""
    script = Neighbour()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            reply = script.reply(Call(self.command, self.path, dict(self.headers), self.rfile.read(length)))
            time.sleep(reply.hang)
            if reply.drop:
                return
            content = (json.dumps(reply.json) if reply.text is None else reply.text).encode()
            self.send_response_only(reply.status)  # no Date of its own
            for name, value in {"Content-Length": str(len(content)), **reply.headers}.items():
                self.send_header(name, value)
            with suppress(ConnectionError):  # the caller may have hung up
                self.end_headers()
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    yield script
    server.shutdown()
    server.server_close()
