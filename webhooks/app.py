"""The web process: webhooks in, durably, and nothing else. It imports neither LangChain nor a store."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from flask import Flask, Response, request
from gunicorn.http.errors import ParseException
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from psycopg_pool import PoolTimeout
from werkzeug.exceptions import HTTPException

from connector.errors import Refused
from connector.helpdesk import Receiver
from webhooks import logs
from webhooks.framing import LARGEST_BODY
from webhooks.ledger import Ledger
from webhooks.metrics import INTAKE, NOBODY, Intake
from webhooks.schema import SchemaMismatch

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger("greffier.web")

_SEEN = "greffier.seen"


@dataclass(slots=True)
class _Seen:
    """What became of a request, as far as its status does not say it."""

    helpdesk: str = NOBODY
    outcome: str = ""


def create_app(
    helpdesks: Mapping[str, Receiver],
    ledger: Ledger,
    intake: Intake | None = None,
    metrics: Callable[[], bytes] | None = None,
) -> Flask:
    """The WSGI application of those helpdesks, which counts in `intake`; `metrics` is its page for Prometheus, if any.

    What a delivery is answered, always with an empty body, since Zammad keeps it in a log for a month. Zammad sends
    again whatever is not answered 2xx. Rows marked * are the server's (`webhooks.gunicorn_worker`, `webhooks.framing`).

    | what happened                                                   | status | stored |
    |-----------------------------------------------------------------|--------|--------|
    | a citizen's message, new, or known already: a hundred times too | 202    | once   |
    | genuine, not for us (an agent's article, our note)              | 204    | no     |
    | no such helpdesk, no such page                                  | 404    | no     |
    | not POST: GET, HEAD, OPTIONS, PUT ...                           | 405    | no     |
    | not signed as Zammad signs: `X-Hub-Signature` missing, twice,   |        |        |
    |   wrong, cut, in capitals, of other bytes, or made with a       |        |        |
    |   secret whose time is over                                     | 401    | no     |
    | signed, and no JSON of Zammad's: broken, too deep, not UTF-8,   |        |        |
    |   compressed (which is never undone)                            | 400    | no     |
    | signed JSON under another content type: the type is not read    | 202    | once   |
    | signed JSON with a key twice: the last one counts               | 202    | once   |
    | a body that ends early, or chunks that are none                 | 400    | no     |
    | no HTTP, no or two or wrong lengths *                           | 400    | no     |
    | a transfer coding that we do not know *                         | 501    | no     |
    | an `Expect` that we do not know *                               | 417    | no     |
    | a first line of more than 4,094 bytes *                         | 414    | no     |
    | more than 50 headers, or one of more than 4,094 bytes *         | 431    | no     |
    | a body of more than 8 MiB, by its length or while it comes *    | 413    | no     |
    | not whole 20 seconds after it began *                           | 408    | no     |
    | more than 32 MiB of unfinished requests: the largest of them *  | 503    | no     |
    | PostgreSQL is away, frozen, read-only, or has no place for us   | 503    | no     |
    | an error of ours                                                | 500    | no     |
    """
    app = Flask("greffier")
    app.extensions[INTAKE] = intake = intake or Intake(helpdesks)
    app.wsgi_app = _counted(app, intake)  # type: ignore[method-assign,assignment]

    @app.post("/webhooks/<name>", provide_automatic_options=False)
    def webhook(name: str) -> Response:
        if name not in helpdesks:
            return _empty(404)
        headers = {key.lower(): value for key, value in request.headers}
        seen: _Seen = request.environ[_SEEN]
        seen.helpdesk = name
        logs.add(helpdesk=name)
        event = helpdesks[name].read_event(headers, _body())
        if event is None:
            seen.outcome = "ignored"
            return _empty(204)
        logs.add(key=event.key, ticket=event.ticket)
        new = ledger.accept(event)
        seen.outcome = "accepted" if new else "known"
        log.info("%s: %s by delivery %s", event.key, seen.outcome, event.delivery)
        return _empty(202)

    @app.get("/healthz")
    def healthz() -> Response:
        """The process answers. No neighbour is asked: a restart would not mend it."""
        return Response("ok\n", content_type="text/plain")

    @app.get("/readyz")
    def readyz() -> Response:
        """Whether a delivery could be kept now."""
        ledger.require_writable()
        return Response("ok\n", content_type="text/plain")

    if metrics:

        @app.get("/metrics")
        def prometheus() -> Response:
            """What this process and the others beside it have counted, and what the database holds."""
            return Response(metrics(), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    @app.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        log.warning("%s %s: refused with %s: %s", request.method, request.path, error.status, error)
        return _empty(error.status)

    @app.errorhandler(psycopg.Error)
    @app.errorhandler(PoolTimeout)
    @app.errorhandler(SchemaMismatch)
    def unavailable(error: Exception) -> Response:
        log.error(
            "%s: the database does not take it: %s",
            request.path,
            error if isinstance(error, SchemaMismatch) else type(error).__name__,
        )
        return Response(status=503, headers={"Retry-After": "5"})

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Response:
        log.error("%s: %s in Greffier", request.path, type(error).__name__, exc_info=error)
        return _empty(500)

    @app.errorhandler(HTTPException)
    def no_page(error: HTTPException) -> Response:
        return _empty(error.code or 500)

    return app


def _counted(app: Flask, intake: Intake) -> WSGIApplication:
    """The application, with each request to `/webhooks/` counted and timed; the log forgets what each was about.

    Around Flask and not by its hooks, which take longer than what they would do.
    """
    inner = app.wsgi_app

    def alone(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began, seen = time.perf_counter(), _Seen()
        environ[_SEEN] = seen

        def started(status: str, *rest: Any) -> Callable[[bytes], object]:
            if environ["PATH_INFO"].startswith("/webhooks/"):
                intake.answered(seen.helpdesk, status[:3], seen.outcome, time.perf_counter() - began)
            return start_response(status, *rest)

        with logs.about():
            return inner(environ, started)

    return alone


def _body() -> bytes:
    """The raw bytes, counted while they are read: a chunked body announces no length."""
    length = request.content_length
    body = bytearray()
    try:
        while max(len(body), length or 0) <= LARGEST_BODY:
            part = request.stream.read(65536)
            if part:
                body += part
            elif length is None or len(body) == length:
                return bytes(body)
            else:
                raise Refused(f"a body of {len(body)} bytes instead of {length}", status=400)
    except (OSError, ParseException) as error:
        raise Refused(f"a body that cannot be read: {type(error).__name__}", status=400) from None
    raise Refused(f"a body of more than {LARGEST_BODY} bytes", status=413)


def _empty(status: int) -> Response:
    return Response(status=status)
