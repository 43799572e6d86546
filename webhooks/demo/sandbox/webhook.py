"""Deliveries, as Zammad was seen to make them: signed, built when they are sent, tried five times."""

from __future__ import annotations

import hashlib
import heapq
import hmac
import itertools
import logging
import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urljoin

import requests

from webhooks.demo.sandbox.faults import Faults
from webhooks.demo.sandbox.records import Event
from webhooks.demo.sandbox.versions import Version

logger = logging.getLogger("greffier.sandbox")

GAPS = (10, 20, 30, 40)
"""Seconds after the first four attempts; the fifth is the last."""
_TIMEOUTS = (4, 30)
_WORKERS = 4
_LOGGED = 500


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a delivery goes, under which trigger's name, and what it carries to be let in."""

    url: str
    trigger: str
    secret: str = field(default="", repr=False)
    method: str = "post"
    bearer: str = field(default="", repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    payload: str | None = None
    """An admin's own payload instead of the default one."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint, and the trigger that calls it: which articles fire, by sender and `internal` (None: any)."""

    url: str
    secret: str = field(default="", repr=False)
    trigger: str = "greffier-message-usager"
    sender: str | None = "Customer"
    internal: bool | None = False

    def fires(self, event: Event) -> bool:
        article = event.article
        return (
            article is not None and self.sender in (None, article.sender) and self.internal in (None, article.internal)
        )

    def endpoint(self) -> Endpoint:
        return Endpoint(self.url, self.trigger, self.secret)


Caller = Callable[[], Endpoint | None]
"""The endpoint as it is now; None once it was switched off or taken away."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One line of the log. `status` is None where no answer came."""

    delivery: str
    trigger: str
    article_id: int | None
    number: int
    status: int | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """What Zammad's own log keeps of an attempt."""

    endpoint: Endpoint
    request: str
    status: int | None
    answer: str
    at: float


@dataclass(frozen=True, slots=True)
class _Job:
    caller: Caller
    ticket_id: int
    article_id: int | None
    delivery: str


Body = Callable[[int, int | None, str | None], bytes | None]
"""Builds a body from a ticket, an article and an admin's own payload; None if one of the two is gone."""


def signature(secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature`."""
    return "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()


class Deliveries:
    """Sends events in the background.

    `webhooks` are called beside what `fired` finds; `log` keeps every attempt, and `exchanges` the last with what was
    said.
    """

    def __init__(
        self, body: Body, faults: Faults, version: Version, fired: Callable[[Event], Iterable[Caller]]
    ) -> None:
        self.webhooks: list[Webhook] = []
        self.log: list[Attempt] = []
        self.exchanges: deque[Exchange] = deque(maxlen=_LOGGED)
        self._body = body
        self._faults = faults
        self._version = version
        self._fired = fired
        self._queue: list[tuple[float, int, _Job, int]] = []  # when it is due, a tie-breaker, the job, which attempt
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._pending = 0
        self._stopped = False
        self._workers: list[threading.Thread] = []

    def announce(self, event: Event) -> None:
        """Queue what the event fires."""
        callers: list[Caller] = [webhook.endpoint for webhook in self.webhooks if webhook.fires(event)]
        article_id = event.article.id if event.article else None
        for caller in (*callers, *self._fired(event)):
            for _ in range(self._faults.copies):
                wait = self._faults.delivery_delay + random.uniform(0, self._faults.delivery_jitter)  # noqa: S311
                self._enter(wait, _Job(caller, event.ticket.id, article_id, str(uuid.uuid4())), 1)

    def settle(self, timeout: float = 30.0) -> bool:
        """Wait until nothing is left to send; False if something still is after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._pending == 0, timeout)

    def stop(self) -> None:
        """Send nothing any more, and wait for what is on its way."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for worker in self._workers:
            worker.join()

    def _enter(self, wait: float, job: _Job, number: int) -> None:
        with self._changed:
            if self._stopped:
                return
            self._pending += 1
            heapq.heappush(self._queue, (time.monotonic() + wait, next(self._order), job, number))
            if not self._workers:
                self._workers = [threading.Thread(target=self._work, daemon=True) for _ in range(_WORKERS)]
                for worker in self._workers:
                    worker.start()
            self._changed.notify_all()

    def _work(self) -> None:
        while (due := self._next()) is not None:
            self._attempt(*due)

    def _next(self) -> tuple[_Job, int] | None:
        """The next attempt, once it is due; None when stopped."""
        with self._changed:
            while not self._stopped:
                wait = self._queue[0][0] - time.monotonic() if self._queue else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._queue)[2:]
                self._changed.wait(wait)
        return None

    def _attempt(self, job: _Job, number: int) -> None:
        try:
            endpoint = job.caller()
            body = self._body(job.ticket_id, job.article_id, endpoint.payload) if endpoint else None
            if endpoint is None or body is None:  # gone meanwhile: Zammad drops the job without a word
                return
            status, answer = _send(endpoint, job.delivery, body, self._version)
            self.log.append(Attempt(job.delivery, endpoint.trigger, job.article_id, number, status))
            self.exchanges.append(Exchange(endpoint, body.decode(), status, answer, time.time()))
            if status is not None and 200 <= status < 300:
                return
            logger.info("delivery %s, attempt %d: %s", job.delivery, number, status or "no answer")
            if number <= len(GAPS):
                self._enter(GAPS[number - 1] * self._faults.retry_scale, job, number + 1)
        finally:
            with self._changed:
                self._pending -= 1
                self._changed.notify_all()


def _headers(endpoint: Endpoint, delivery: str, body: bytes, version: Version) -> dict[str, str | bytes]:
    headers: dict[str, str | bytes] = {
        "Accept-Encoding": "gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
        "Accept": "*/*",
        "User-Agent": "Zammad User Agent",
        "X-Zammad-Trigger": endpoint.trigger.encode(),
        "X-Zammad-Delivery": delivery,
        "Content-Type": version.media_type,
        "Connection": "close",
    }
    if endpoint.bearer:
        headers["Authorization"] = f"Bearer {endpoint.bearer}"
    if endpoint.secret:
        headers["X-Hub-Signature"] = signature(endpoint.secret, body)
    return headers


def _send(endpoint: Endpoint, delivery: str, body: bytes, version: Version) -> tuple[int | None, str]:
    """One attempt: status and answer. Before 7.0 a redirect is followed once, as GET with the same body and headers."""
    headers, url, method = _headers(endpoint, delivery, body, version), endpoint.url, endpoint.method
    options = {"data": body, "headers": headers, "timeout": _TIMEOUTS, "allow_redirects": False}
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.auth = endpoint.basic
            answer = session.request(method.upper(), url, **options)  # type: ignore[arg-type]
            if answer.is_redirect and version.redirects:
                url = urljoin(url, answer.headers["Location"])
                answer = session.get(url, **options)  # type: ignore[arg-type]
            return answer.status_code, answer.text[:8000]
    except requests.RequestException:
        return None, ""
