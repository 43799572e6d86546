"""A scripted model server: speaks OpenAI's protocol as vLLM 0.32 was seen to, and answers at once.

For tests and load runs, where a real model would be slow or too well behaved. It answers with the first sentence of
each passage of the prompt, so that its drafts are true, and on demand it is busy, cut, silent or broken (`Fault`).
`python -m webhooks.demo.model_server --port 8090` runs it by hand.

Kept otherwise on purpose: no `/metrics`, `/load`, `/tokenize` or anything outside `/v1` but `/health` and `/version`;
no check of the prompt's length or of schemas; `usage` counts words; one choice, whatever `n` asks for; embeddings,
which a chat server does not have, are there when `Script.embeddings` says so.
"""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from webhooks.demo.model_answers import ENGINE_DEAD, Answer, Fault, Script, embeddings, model_list, validate

MAX_BODY = 8 * 2**20


@dataclass(slots=True)
class Request:
    """A request as it came in; `closed` is set when its client went away before the end."""

    path: str
    headers: Mapping[str, str]
    body: Any
    closed: threading.Event = field(default_factory=threading.Event)


class ModelServer:
    """The server, on a port of this machine. `start` and `stop` may be repeated: a stopped one refuses connections."""

    def __init__(self, script: Script | None = None) -> None:
        self.script = script or Script()
        self.requests: list[Request] = []
        self.port = 0
        self._free = threading.Condition()
        self._running = self._waiting = 0
        self._http: _Server | None = None

    @property
    def url(self) -> str:
        """The address that clients are given, which ends with /v1."""
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self, port: int = 0) -> ModelServer:
        """Listen, on a free port by default."""
        self._http = _Server(("127.0.0.1", port), _Handler)
        self._http.model = self
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Listen no more and drop what is in progress."""
        if self._http is None:
            return
        self._http.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._http.drop_all()
        self._http = None

    def __enter__(self) -> ModelServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def take_slot(self) -> bool:
        """Wait for a slot; False if too many wait already."""
        with self._free:
            script = self.script
            if self._running >= script.slots and script.queue is not None and self._waiting >= script.queue:
                return False
            self._waiting += 1
            while self._running >= self.script.slots:
                self._free.wait(0.1)
            self._waiting -= 1
            self._running += 1
            return True

    def give_slot(self) -> None:
        """Let the next one in."""
        with self._free:
            self._running -= 1
            self._free.notify()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    model: ModelServer

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def drop_all(self) -> None:
        """Close what clients keep open: a process that has ended answers nobody."""
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that went away are recorded where they matter, not printed."""


class _Gone(Exception):
    """The client closed the connection."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    seen: Request

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        path, script = self.path.partition("?")[0], self.server.model.script
        length = min(int(self.headers.get("Content-Length") or 0), MAX_BODY)
        raw = self.rfile.read(length)
        if path.startswith("/v1") and script.key and self.headers.get("Authorization") != f"Bearer {script.key}":
            return self._json(401, {"error": "Unauthorized"})
        paths = {"/health": "GET", "/version": "GET", "/v1/models": "GET", "/v1/chat/completions": "POST"}
        paths |= {"/v1/embeddings": "POST"} if script.embeddings else {}
        if path not in paths:
            return self._json(404, {"detail": "Not Found"})
        if paths[path] != method:
            return self._json(405, {"detail": "Method Not Allowed"}, Allow=paths[path])
        if method == "GET":
            return self._get(path, script)
        return self._post(path, raw, script)

    def _get(self, path: str, script: Script) -> None:
        if path == "/health":
            return self._send(200, b"", None)
        return self._json(200, {"version": "0.32.0"} if path == "/version" else model_list(script))

    def _post(self, path: str, raw: bytes, script: Script) -> None:
        try:
            body = json.loads(raw)
        except ValueError:
            return self._error(400, "1 validation error:\n  {'type': 'json_invalid'}", "Bad Request", "body.0")
        self.seen = Request(path, dict(self.headers), body)
        self.server.model.requests.append(self.seen)
        if refusal := validate(path, body, script):
            return self._error(*refusal)
        if path == "/v1/embeddings":
            self.server.stopping.wait(script.embedding_latency)
            return self._json(200, embeddings(body, script))
        if not self.server.model.take_slot():
            return self._busy()
        try:
            return self._chat(body, script)
        except (_Gone, OSError):
            self.close_connection = True
            if not self.server.stopping.is_set():
                self.seen.closed.set()
        finally:
            self.server.model.give_slot()

    def _chat(self, body: dict[str, Any], script: Script) -> None:
        self._wait(script.latency)
        if script.fault is Fault.BUSY:
            return self._busy()
        if script.fault is Fault.ERROR:
            return self._error(500, "cannot schedule new futures after shutdown", "InternalServerError")
        if script.fault is Fault.REFUSED:
            return self._error(400, f"cannot read {body['messages'][-1]['content']}", "BadRequestError")
        if script.fault is Fault.HTML:
            return self._send(200, b"<!DOCTYPE html><html><body>Maintenance</body></html>", "text/html")
        answer = Answer(body, script, self.headers.get("X-Request-Id"))
        return self._stream(answer) if body.get("stream") else self._whole(answer)

    def _whole(self, answer: Answer) -> None:
        if answer.fault in (Fault.SILENCE, Fault.DRIP):
            self._wait_for_client()
        if answer.fault in (Fault.EVENT, Fault.NO_FINISH):
            return self._error(500, ENGINE_DEAD, "InternalServerError")
        body = json.dumps(answer.completion()).encode()
        if answer.fault is Fault.BROKEN:
            self._head(200, "application/json", {"content-length": str(len(body))})
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return None
        return self._send(200, body, "application/json")

    def _stream(self, answer: Answer) -> None:
        self._head(200, "text/event-stream; charset=utf-8", {"transfer-encoding": "chunked"})
        for number, event in enumerate(answer.events()):
            if number > 2 and answer.fault in (Fault.SILENCE, Fault.BROKEN):
                break
            self._chunk(f"data: {event}\n\n")
        if answer.fault is Fault.SILENCE:
            self._wait_for_client()
        while answer.fault is Fault.DRIP:
            self._chunk(": still here\n\n")
            self._wait(0.02)
        if answer.fault is Fault.BROKEN:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _wait(self, seconds: float) -> None:
        """Let time pass. Raises _Gone as soon as the client has closed, or this server is stopped."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            readable, _, _ = select.select([self.connection], [], [], min(left, 0.05))
            if self.server.stopping.is_set() or (readable and not self.connection.recv(1, socket.MSG_PEEK)):
                raise _Gone

    def _wait_for_client(self) -> None:
        while True:
            self._wait(60)

    def _busy(self) -> None:
        message = "The engine is currently busy and cannot accept new requests. "
        message += "Please try again later or on a different instance."
        self._error(503, message, "Service Unavailable")

    def _error(self, status: int, message: str, type_: str, param: str | None = None) -> None:
        self._json(status, {"error": {"message": message, "type": type_, "param": param, "code": status}})

    def _json(self, status: int, value: Any, **headers: str) -> None:
        self._send(status, json.dumps(value).encode(), "application/json", headers)

    def _send(self, status: int, body: bytes, media_type: str | None, headers: Mapping[str, str] | None = None) -> None:
        self._head(status, media_type, {**(headers or {}), "content-length": str(len(body))})
        self.wfile.write(body)

    def _head(self, status: int, media_type: str | None, headers: Mapping[str, str]) -> None:
        self.send_response_only(status)
        for name, value in {"server": "uvicorn", **headers}.items():
            self.send_header(name.lower(), value)
        if media_type:
            self.send_header("content-type", media_type)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a load run would write thousands of lines."""


def main() -> None:
    """Run the server until Ctrl-C."""
    parser = ArgumentParser(description="A scripted, OpenAI-compatible model server for tests and load runs")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that each answer takes")
    parser.add_argument("--slots", type=int, default=8, help="answers in progress at once")
    parser.add_argument("--fault", type=Fault, choices=list(Fault), help="what goes wrong with every answer")
    parser.add_argument("--embeddings", action="store_true", help="serve /v1/embeddings too")
    parser.add_argument("--dimension", type=int, default=32, help="how many numbers a vector has")
    given = vars(parser.parse_args())
    server = ModelServer().start(given.pop("port"))
    server.script = script = replace(Script(), **given)
    print(f"{server.url} (model {script.models[0]})", flush=True)  # noqa: T201
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.stop()


if __name__ == "__main__":
    main()
