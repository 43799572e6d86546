"""Deliveries, as Zammad 5.2 was seen to make them: signed, built when they are sent, tried five times."""

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
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urljoin

import requests

from webhooks.demo.sandbox.faults import Faults
from webhooks.demo.sandbox.records import Article, Ticket

logger = logging.getLogger("greffier.sandbox")

GAPS = (10, 20, 30, 40)
"""Seconds after the first four attempts; the fifth is the last."""
_TIMEOUTS = (4, 30)
_WORKERS = 4


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint, and the trigger that calls it: which articles fire, by sender and `internal` (None: any)."""

    url: str
    secret: str = field(default="", repr=False)
    trigger: str = "greffier-message-usager"
    sender: str | None = "Customer"
    internal: bool | None = False

    def fires(self, article: Article) -> bool:
        return self.sender in (None, article.sender) and self.internal in (None, article.internal)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One line of the HTTP log. `status` is None where no answer came."""

    delivery: str
    trigger: str
    article_id: int
    number: int
    status: int | None


@dataclass(frozen=True, slots=True)
class _Job:
    webhook: Webhook
    ticket_id: int
    article_id: int
    delivery: str


def signature(secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature`."""
    return "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()


class Deliveries:
    """Sends events in the background. `log` keeps every attempt."""

    def __init__(self, body: Callable[[int, int], bytes | None], faults: Faults) -> None:
        self.webhooks: list[Webhook] = []
        self.log: list[Attempt] = []
        self._body = body
        self._faults = faults
        self._queue: list[tuple[float, int, _Job, int]] = []  # when it is due, a tie-breaker, the job, which attempt
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._pending = 0
        self._stopped = False
        self._workers: list[threading.Thread] = []

    def announce(self, ticket: Ticket, article: Article) -> None:
        """Queue what the article fires."""
        for webhook in self.webhooks:
            if webhook.fires(article):
                for _ in range(self._faults.copies):
                    wait = self._faults.delivery_delay + random.uniform(0, self._faults.delivery_jitter)  # noqa: S311
                    self._enter(wait, _Job(webhook, ticket.id, article.id, str(uuid.uuid4())), 1)

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
            body = self._body(job.ticket_id, job.article_id)
            if body is None:  # deleted meanwhile: Zammad drops the job without a word
                return
            status = _send(job, body)
            self.log.append(Attempt(job.delivery, job.webhook.trigger, job.article_id, number, status))
            if status is not None and 200 <= status < 300:
                return
            logger.info("delivery %s, attempt %d: %s", job.delivery, number, status or "no answer")
            if number <= len(GAPS):
                self._enter(GAPS[number - 1] * self._faults.retry_scale, job, number + 1)
        finally:
            with self._changed:
                self._pending -= 1
                self._changed.notify_all()


def _send(job: _Job, body: bytes) -> int | None:
    """One attempt: the status of the answer. A redirect is followed once, as GET with the same body and headers."""
    headers: dict[str, str | bytes] = {
        "Accept-Encoding": "gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
        "Accept": "*/*",
        "User-Agent": "Zammad User Agent",
        "X-Zammad-Trigger": job.webhook.trigger.encode(),
        "X-Zammad-Delivery": job.delivery,
        "Content-Type": "application/json",
        "Connection": "close",
    }
    if job.webhook.secret:
        headers["X-Hub-Signature"] = signature(job.webhook.secret, body)
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(job.webhook.url, data=body, headers=headers, timeout=_TIMEOUTS, allow_redirects=False)
            if answer.is_redirect:
                url = urljoin(job.webhook.url, answer.headers["Location"])
                answer = session.get(url, data=body, headers=headers, timeout=_TIMEOUTS, allow_redirects=False)
            return answer.status_code
    except requests.RequestException:
        return None
