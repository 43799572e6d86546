"""The web process: webhooks in, durably, and nothing else. It imports neither LangChain nor a store."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import psycopg
from flask import Flask, Response, request
from gunicorn.http.errors import ParseException
from psycopg_pool import PoolTimeout
from werkzeug.exceptions import HTTPException

from connector.errors import Refused
from connector.helpdesk import Helpdesk
from webhooks import jobs
from webhooks.ledger import Ledger
from webhooks.schema import SchemaMismatch

log = logging.getLogger("greffier.web")

LONGEST_SILENCE = 10.0  # seconds within a body
LARGEST_BODY = 8 * 1024 * 1024  # bytes; Zammad allows articles of 1.5 million characters, about 4 MB once escaped


def create_app(helpdesks: Mapping[str, Helpdesk], ledger: Ledger) -> Flask:
    """The WSGI application of those helpdesks.

    What a delivery is answered, always with an empty body, since Zammad keeps it in a log for a month:

    | what happened                                        | status | stored | the sender  |
    |------------------------------------------------------|--------|--------|-------------|
    | a citizen's message, new or known already            | 202    | once   | is done     |
    | genuine, not for us (an agent's article, our note)   | 204    | no     | is done     |
    | no such helpdesk                                     | 404    | no     | tries again |
    | not POST                                             | 405    | no     | tries again |
    | signature missing or wrong                           | 401    | no     | tries again |
    | signed but unreadable, or chunks that are none       | 400    | no     | tries again |
    | over 8 MiB, by its header or while reading           | 413    | no     | tries again |
    | stops in the middle of its body                      | 408    | no     | tries again |
    | PostgreSQL does not answer                           | 503    | no     | tries again |
    """
    app = Flask("greffier")

    @app.post("/webhooks/<name>", provide_automatic_options=False)
    def webhook(name: str) -> Response:
        if name not in helpdesks:
            return _empty(404)
        headers = {key.lower(): value for key, value in request.headers}
        event = helpdesks[name].read_event(headers, _body())
        if event is None:
            return _empty(204)
        new = ledger.accept(event, jobs.enqueue)
        log.info("%s: %s by delivery %s", event.key, "accepted" if new else "known", event.delivery)
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

    @app.errorhandler(HTTPException)
    def no_page(error: HTTPException) -> Response:
        return _empty(error.code or 500)

    return app


def _body() -> bytes:
    """The raw bytes, counted while they are read: a chunked body announces no length."""
    if connection := request.environ.get("gunicorn.socket"):
        connection.settimeout(LONGEST_SILENCE)  # a sender that stops in the middle must not keep a thread
    body = bytearray()
    try:
        while max(len(body), request.content_length or 0) <= LARGEST_BODY:
            part = request.stream.read(65536)
            if not part:
                return bytes(body)
            body += part
    except TimeoutError:
        raise Refused(f"nothing came for {LONGEST_SILENCE} s", status=408) from None
    except (OSError, ParseException) as error:
        raise Refused(f"a body that cannot be read: {type(error).__name__}", status=400) from None
    raise Refused(f"a body of more than {LARGEST_BODY} bytes", status=413)


def _empty(status: int) -> Response:
    return Response(status=status)
