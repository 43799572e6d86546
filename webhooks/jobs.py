"""The queue: Procrastinate on the same PostgreSQL as the ledger. The only module that imports it.

Two of its traps are avoided here. A job carries `lock` (one job of a ticket at a time) and never `queueing_lock`: with
both, a repeated webhook under a dead worker wedges the ticket for ever; repeats are refused by the inbox instead. And
the task that heals carries no `lock`: if it died with it, healing would die too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import procrastinate
import psycopg
from procrastinate.jobs import Job, Status

from webhooks import logs
from webhooks.enqueue import DRAFT, DRAFTS

log = logging.getLogger("greffier.jobs")

SWEEP_TICK = 1.0  # seconds; each helpdesk has its own interval
SOURCES_TICK = 60.0  # seconds between two looks whether a source is due, or an address
SYSTEM = "system"
RECONNECT_AFTER, POOL_TIMEOUT = 5.0, 5.0  # seconds
HEAL_EVERY = "* * * * * */10"  # a sixth field is seconds


@dataclass(frozen=True)
class Work:
    """What the jobs do, as plain functions."""

    handle: Callable[[str, int], float | None]
    """Take a message (its key, the attempts before) one attempt further; seconds until the next, None at the end."""
    may_live: Callable[[str], bool]
    """Whether a message whose worker died is to be tried again."""
    adopt_orphans: Callable[[], None]
    """Give open messages without a job a new one."""
    sweep: Callable[[Callable[[], bool]], None]
    """Look through the helpdesks that are due; it is told how to know that we are stopping."""
    refresh: Callable[[Callable[[], bool]], None]
    """Index the sources that are due; it may take hours."""
    check_links: Callable[[Callable[[], bool]], None]
    """Look at the addresses of documents that are due."""


class Later(Exception):
    """A job asks to be run again in that many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:.0f} s")
        self.seconds = seconds


class _WhenAsked(procrastinate.BaseRetryStrategy):
    """A job is run again when it asks for it, and never else: how often and how long is the worker's business."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> procrastinate.RetryDecision | None:
        if not isinstance(exception, Later):
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": max(1, round(exception.seconds))})


def run(database_url: str, work: Work, *, concurrency: int, stalled_after: float) -> None:
    """Do the jobs until SIGTERM or SIGINT, then finish those in progress.

    Where the database goes away, as it does when it is restarted, wait for it and go on.
    """
    asyncio.run(_run(lambda: _app(database_url, work, stalled_after), work, concurrency, stalled_after))


def _app(database_url: str, work: Work, stalled_after: float) -> procrastinate.App:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=database_url, timeout=POOL_TIMEOUT))

    @app.task(name=DRAFT, queue=DRAFTS, pass_context=True, retry=_WhenAsked())
    def draft(context: procrastinate.JobContext, key: str) -> None:
        logs.add(key=key)  # which the queue's own lines about this job carry too
        seconds = work.handle(key, context.job.attempts)
        if seconds is not None:
            raise Later(seconds)

    @app.periodic(cron=HEAL_EVERY)
    @app.task(name="heal", queue=SYSTEM, queueing_lock="heal")
    async def heal(timestamp: int) -> None:
        await _heal(app, work, stalled_after)

    return app


async def _heal(app: procrastinate.App, work: Work, stalled_after: float) -> None:
    """Take up what dead workers left: nothing else does, the queue alone leaves such jobs in `doing` for ever."""
    manager = app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=stalled_after):
        try:  # each on its own: one bad row must not keep the others from healing
            if job.queue != DRAFTS or not await asyncio.to_thread(work.may_live, str(job.task_kwargs["key"])):
                await manager.finish_job(job, Status.FAILED, delete_job=True)
            else:
                await manager.retry_job(job)
        except Exception:
            log.exception("healing job %s failed", job.id)
    await asyncio.to_thread(work.adopt_orphans)


async def _run(make_app: Callable[[], procrastinate.App], work: Work, concurrency: int, stalled_after: float) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.set_exception_handler(logs.of_loop)
    loop.set_default_executor(ThreadPoolExecutor(concurrency + 6))  # the default pool is smaller than the concurrency
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    besides = [  # they outlive a loss of the database: what they have begun goes on
        asyncio.create_task(_again_and_again(work.refresh, SOURCES_TICK, "the refresh of sources", stop)),
        asyncio.create_task(_again_and_again(work.check_links, SOURCES_TICK, "the look at addresses", stop)),
    ]
    try:
        while not stop.is_set():
            try:
                async with (app := make_app()).open_async():
                    await _serve(app, work, stop, concurrency, stalled_after)
            except procrastinate.exceptions.ConnectorException:
                pass  # said below, whether it was lost or never there
            if not stop.is_set():
                log.error("database_url: the connection to the queue is lost, again in %s s", RECONNECT_AFTER)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), RECONNECT_AFTER)
    finally:
        stop.set()
        await asyncio.gather(*besides)


async def _serve(
    app: procrastinate.App, work: Work, stop: asyncio.Event, concurrency: int, stalled_after: float
) -> None:
    """Work until `stop`, or until the database is lost. Two workers: drafts must never keep healing from its place.

    Jobs that are done are deleted: the inbox is the record, and healing alone makes thousands a day.
    """
    work_on = partial(
        app.run_worker_async,
        install_signal_handlers=False,
        delete_jobs="successful",
        stalled_worker_timeout=stalled_after,
        update_heartbeat_interval=stalled_after / 3,
    )
    workers = [
        asyncio.create_task(work_on(queues=[DRAFTS], concurrency=concurrency)),
        asyncio.create_task(work_on(queues=[SYSTEM], concurrency=1)),
    ]
    sweeping = asyncio.create_task(_again_and_again(work.sweep, SWEEP_TICK, "the sweep", stop))
    asked = asyncio.create_task(stop.wait())
    await asyncio.wait([*workers, asked], return_when=asyncio.FIRST_COMPLETED)
    for task in (*workers, asked, sweeping):
        task.cancel()  # which lets the jobs in progress finish
    await asyncio.gather(*workers, sweeping, return_exceptions=True)


async def _again_and_again(
    do: Callable[[Callable[[], bool]], None], every: float, what: str, stop: asyncio.Event
) -> None:
    """Not a job of the queue: an interval is a setting, and a look missed is no look owed."""
    while not stop.is_set():
        try:
            await asyncio.to_thread(do, stop.is_set)
        except psycopg.OperationalError as error:
            log.warning("%s waits for the database: %s", what, type(error).__name__)
        except Exception:  # the next one may do better
            log.exception("%s failed", what)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every)
