"""A sender of deliveries, in a process of its own so that it waits for nobody's interpreter but its own."""

from __future__ import annotations

import hmac
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """Deliveries that were sent one after the other by each of several senders."""

    seconds: float
    latencies: tuple[float, ...]
    """Seconds of each delivery, from its connection to the end of its answer."""

    @property
    def rate(self) -> float:
        """Deliveries a second."""
        return len(self.latencies) / self.seconds


def send(port: int, path: str, bodies: Sequence[bytes], secret: str, senders: int) -> Block:
    """Send each body once, each over a connection of its own, as Zammad does. Raises unless each is answered 202."""
    requests = [_request(path, body, secret) for body in bodies]
    began = time.perf_counter()
    with ThreadPoolExecutor(senders) as pool:
        latencies = tuple(pool.map(lambda request: _exchange(port, request), requests))
    return Block(time.perf_counter() - began, latencies)


def _request(path: str, body: bytes, secret: str) -> bytes:
    signature = hmac.new(secret.encode(), body, "sha1").hexdigest()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nX-Hub-Signature: sha1={signature}\r\n\r\n"
    )
    return head.encode() + body


def _exchange(port: int, request: bytes) -> float:
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request)
        answer = b""
        while data := connection.recv(4096):
            answer += data
    if answer.split()[1:2] != [b"202"]:
        raise RuntimeError(f"answered {answer[:80]!r}")
    return time.perf_counter() - began
