"""How fast `greffier web` takes deliveries in, beside the least that could: see `tests.bench.bare`.

Both serve at once with as many processes and threads, and are sent to in turns, a block each, by a process of its own.
Meanwhile a worker drafts a backlog with a model server in all its slots: the machine is shared, as it is on one
machine. Each delivery is a new ticket, in the payload that Zammad sends, signed.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context

import psutil
from psycopg import connect

from tests.bench import bare
from tests.bench.figures import Result, Target, percentile, spread
from tests.bench.load import Block, send
from tests.bench.place import NAME, SECRET, STARTS, Place, place
from webhooks.demo.messages import MESSAGES
from webhooks.demo.processes import free_port
from webhooks.demo.sandbox import Sandbox
from webhooks.demo.sandbox.payload import delivery

SLOTS, LATENCY = 8, 2.0
SENDERS = 8
SHARE, P99 = 0.8, 100.0  # of the bare route's rate; milliseconds
_BACKLOG = 600  # more than is drafted in the time
_FIRST = 1_000_000  # number of the first ticket sent: none of the backlog's

Sender = Callable[[str], Block]


def measure(server: str, *, blocks: int = 12, size: int = 500) -> Result:
    """So many blocks of so many deliveries to each of the two."""
    with (
        place(server, tickets=_BACKLOG, slots=SLOTS, latency=LATENCY, concurrency=SLOTS) as here,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
    ):
        here.accept(range(1, _BACKLOG + 1))
        web, bodies = here.start_web(), new_deliveries()
        addresses = {
            "greffier web": (here.settings.web.port, f"/webhooks/{NAME}"),
            "bare route": (_bare(here), "/bare"),
        }

        def block(name: str) -> Block:
            ready = [next(bodies) for _ in range(size)]
            return pool.submit(send, *addresses[name], ready, SECRET, SENDERS).result()

        here.start_worker()
        here.processes.wait_until(lambda: here.count() >= SLOTS, STARTS, "the first drafts")
        for name in addresses:  # connections are made, code is read
            block(name)
        drafted, began, processor = here.count(), time.monotonic(), _processor(web)
        sent: dict[str, list[Block]] = {name: [] for name in addresses}
        for _ in range(blocks):
            for name, found in sent.items():
                found.append(block(name))
        drafts = (here.count() - drafted) / (time.monotonic() - began)
        used = 1000 * (_processor(web) - processor) / (blocks * size)
        assert here.count(f"state = 'accepted' AND ticket::bigint < {_FIRST}"), (
            "the worker had drafts to make to the end"
        )
    return _result(sent, drafts, used, blocks, size, len(next(bodies)))


def new_deliveries() -> Iterator[bytes]:
    """Deliveries of new tickets: one that the sandbox makes, under new ids."""
    sandbox = Sandbox()
    ticket, article = sandbox.write_as_customer(MESSAGES[0].subject, MESSAGES[0].text)
    made = json.loads(delivery(sandbox.store, ticket, article, "http://localhost") or b"")
    for number in count(_FIRST):
        made["ticket"]["id"], made["article"]["id"] = number, number
        yield json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()


def _bare(here: Place) -> int:
    """Start the bare route on the same database; its port."""
    database, web = here.settings.database_url.get_secret_value(), here.settings.web
    with connect(database) as connection:
        connection.execute(bare.TABLE)
    port = free_port()
    here.processes.start("bare", "-m", "tests.bench.bare", database, *map(str, (port, web.workers, web.threads)))
    here.processes.wait_until(lambda: _listens(port), STARTS, "the bare route")
    return port


def _listens(port: int) -> bool:
    return any(one.laddr.port == port for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN)


def _processor(web: psutil.Process) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in web.children())


def _result(sent: dict[str, list[Block]], drafts: float, used: float, blocks: int, size: int, length: int) -> Result:
    ours, theirs = sent.values()
    shares = [our.rate / their.rate for our, their in zip(ours, theirs, strict=True)]
    share = statistics.median(shares)
    latencies = [1000 * one for block in ours for one in block.latencies]
    rows = [_row(name, found) for name, found in sent.items()]
    rows.append(
        {"": "share of the bare route", "requests/s": share, "spread": spread(shares), "p50 ms": "", "p99 ms": ""}
    )
    how = (
        f"{blocks} blocks of {size} deliveries of {length:,} bytes to each in turns, {SENDERS} senders, a connection"
        f" for each delivery; meanwhile a worker made {drafts:.1f} drafts a second ({SLOTS} slots of {LATENCY:g} s)."
        " Rates are medians of blocks, the share is the median of pairs;"
        f" `greffier web` used {used:.2f} ms of processor a delivery."
    )
    targets = (
        Target("share of the bare route's requests/s", share, SHARE, at_least=True),
        Target("p99 with workers busy", percentile(latencies, 99), P99, " ms"),
    )
    return Result("Intake", how, tuple(rows), targets)


def _row(name: str, blocks: list[Block]) -> dict[str, str | float]:
    rates = [block.rate for block in blocks]
    latencies = [1000 * one for block in blocks for one in block.latencies]
    return {
        "": name,
        "requests/s": statistics.median(rates),
        "spread": spread(rates),
        "p50 ms": percentile(latencies, 50),
        "p99 ms": percentile(latencies, 99),
    }
