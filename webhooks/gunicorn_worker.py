"""A gunicorn worker with threads whose threads are given whole requests only.

gunicorn's own `gthread` reads a request in the thread that will answer it, with no limit of time: sixteen senders of
one byte a second, in a header or in a body, hold every thread for as long as they like, and fifty connections that say
nothing hold them for five seconds each (gunicorn 27.0). Here the main loop reads, which costs a slow sender's
connection a place in a list and some memory, both bounded; the parser is then given the bytes and never a socket. The
same loop waits for clients to close, where gunicorn's waits up to two seconds for each and accepts nobody meanwhile.

It builds on what `gunicorn.workers.gthread` has inside: a new major version of gunicorn is a look at this file.
"""

from __future__ import annotations

import logging
import selectors
import socket
import time
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors, get_parser
from gunicorn.http.message import Request
from gunicorn.workers.gthread import TConn, ThreadWorker

from webhooks.framing import LARGEST_BODY, Arrival, Progress
from webhooks.metrics import INTAKE, NOBODY

log = logging.getLogger("greffier.web")

REQUEST_TIMEOUT = 20.0  # seconds from a connection, or from a next request's first byte, to the request's last byte
LINGER = 2.0  # seconds that a client has to read its answer and close
HELD = 32 * 1024 * 1024  # bytes of unfinished requests in one process
_TOO_LARGE = {
    Progress.HEAD_TOO_LARGE: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    Progress.BODY_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
_STATUSES = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
}


class Connection(TConn):  # type: ignore[misc]
    """A connection with what it has sent of its next request."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.data_ready = True  # for `handle`, which would wait for it
        self.arrival = Arrival(LARGEST_BODY)
        self.is_arriving = False
        """Whether it is among the worker's `pending_conns`."""

    def init(self) -> None:
        """Called by the thread: parse what has come."""
        self.sock.setblocking(True)  # for the answer
        self.parser = get_parser(self.cfg, iter([bytes(self.arrival.data)]), self.client)
        self.arrival.data.clear()


class WholeRequests(ThreadWorker):  # type: ignore[misc]
    """See the module. `pending_conns` are those whose request is arriving, in the order of their timeouts."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._leaving: deque[Connection] = deque()
        self._held = 0

    # --- coming

    def accept(self, listener: socket.socket) -> None:
        """A new connection: no thread is busy with it before its request is whole."""
        try:
            client, address = listener.accept()
        except OSError:  # it has gone again, or another process was faster
            return
        self.nr_conns += 1
        self._receive(Connection(self.cfg, client, address, listener.getsockname()))

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """The next request on a connection that was kept."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._receive(conn)

    def _receive(self, conn: Connection, data: bytes = b"") -> None:
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + REQUEST_TIMEOUT
        conn.is_arriving = True
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._read, conn))
        if data:
            self._take(conn, data)
        else:
            self._read(conn, conn.sock)  # mostly all of it is there already

    def _read(self, conn: Connection, client: socket.socket) -> None:
        if not conn.is_arriving:  # another one's bytes made it go, after the loop had taken this event up
            return
        try:
            self._take(conn, client.recv(65536))
        except BlockingIOError:
            return
        except OSError:  # reset
            self._take(conn, b"")

    def _take(self, conn: Connection, data: bytes) -> None:
        self._held += len(data)
        progress = conn.arrival.add(data)
        if status := _TOO_LARGE.get(progress):
            self._refuse(conn, status)
        elif not data or progress is not Progress.ARRIVING:  # where the client stopped, the parser says what is missing
            self._forget(conn)
            self.enqueue_req(conn)
        elif self._held > HELD:
            largest = max(self.pending_conns, key=lambda one: len(one.arrival.data))
            self._refuse(largest, HTTPStatus.SERVICE_UNAVAILABLE)

    def _forget(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        conn.is_arriving = False
        self.pending_conns.remove(conn)
        self._held -= len(conn.arrival.data)

    def handle_request(self, req: Request, conn: Connection) -> bool:
        """In a thread. Where the end of a request is not known, what follows is no request."""
        if conn.arrival.progress is not Progress.WHOLE:
            req.force_close()
        return bool(super().handle_request(req, conn))

    # --- going

    def finish_request(self, conn: Connection, done: Future[bool]) -> None:
        """After the thread, in the main loop: wait for the next request or for the client to close."""
        if conn.sock.fileno() < 0:  # gunicorn closes it where an answer fails that has begun
            self.nr_conns -= 1
            return
        if done.cancelled() or done.exception() or not done.result():
            self._leave(conn)
            return
        rest = conn.parser.unreader.take_buffered()
        conn.initialized, conn.arrival = False, Arrival(LARGEST_BODY)
        if rest:  # which the client sent without waiting
            self._receive(conn, rest)
            return
        conn.sock.setblocking(False)
        conn.set_timeout()
        self.keepalived_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn))

    def murder_pending(self) -> None:
        """Called each second: answer those whose time is over, and close what has been answered."""
        now = time.monotonic()
        while self.pending_conns and self.pending_conns[0].timeout <= now:
            self._refuse(self.pending_conns[0], HTTPStatus.REQUEST_TIMEOUT)
        while self._leaving and self._leaving[0].timeout <= now:
            self._close(self._leaving[0])

    def _cap_keepalive(self, deadline: float) -> None:
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:  # nor does a process that stops wait longer for the rest of a request
            conn.timeout = min(conn.timeout, deadline)

    def _refuse(self, conn: Connection, status: HTTPStatus) -> None:
        log.warning("a request refused with %s before it was whole", status.value)
        self._count(status)
        self._forget(conn)
        conn.arrival.data.clear()
        _answer(conn.sock, status)
        self._leave(conn)

    def _leave(self, conn: Connection) -> None:
        """Let the client read its answer: to close on bytes that nobody has read would reset the connection."""
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + LINGER
        self._leaving.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._discard, conn))
        with suppress(OSError):
            conn.sock.shutdown(socket.SHUT_WR)

    def _discard(self, conn: Connection, client: socket.socket) -> None:
        with suppress(OSError):
            if client.recv(65536):
                return
        self._close(conn)

    def _close(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        self._leaving.remove(conn)
        self.nr_conns -= 1
        conn.close()

    def handle_error(self, req: Request | None, client: socket.socket, addr: object, exc: Exception) -> None:
        """Answer what the parser refused. gunicorn's own answer and log repeat the bytes, which may be a citizen's."""
        is_theirs = isinstance(exc, errors.ParseException)
        status = _STATUSES.get(type(exc), HTTPStatus.BAD_REQUEST if is_theirs else HTTPStatus.INTERNAL_SERVER_ERROR)
        ours = None if is_theirs else exc
        log.warning("a request refused with %s: %s", status.value, type(exc).__name__, exc_info=ours)
        self._count(status)
        _answer(client, status)

    def _count(self, status: HTTPStatus) -> None:
        self.wsgi.extensions[INTAKE].answered(NOBODY, str(status.value))


def _answer(client: socket.socket, status: HTTPStatus) -> None:
    with suppress(OSError):
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        client.send(head.encode())
