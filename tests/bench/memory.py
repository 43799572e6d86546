"""The memory of each process after work: proportional set size, which shares out what processes have in common.

RSS counts a page that two processes share twice, and is given beside it.
"""

from __future__ import annotations

import psutil

from tests.bench.figures import Result, Target
from tests.bench.intake import new_deliveries
from tests.bench.load import send
from tests.bench.place import NAME, SECRET, place

WEB, WORKER = 60.0, 250.0  # MB of a process
_SLOTS = 8


def measure(server: str, *, deliveries: int = 3000, drafts: int = 300) -> Result:
    """Let the web process take so many deliveries in and the worker make so many drafts, then look."""
    with place(server, tickets=drafts, slots=_SLOTS, latency=0.1, concurrency=_SLOTS) as here:
        here.accept(range(1, drafts + 1))
        web, worker = here.start_web(), here.start_worker()
        bodies = [body for body, _ in zip(new_deliveries(), range(deliveries), strict=False)]
        send(here.settings.web.port, f"/webhooks/{NAME}", bodies, SECRET, _SLOTS)
        here.processes.wait_until(lambda: here.count() == drafts, 60 + drafts, "the drafts")
        named = [("greffier web, master", web)]
        named += [(f"greffier web, process {number}", child) for number, child in enumerate(web.children(), 1)]
        rows = tuple(_row(name, process) for name, process in [*named, ("greffier worker", worker)])
    how = (
        f"After {deliveries} deliveries and {drafts} drafts, {_SLOTS} at once; embeddings over HTTP. MB are 10^6 bytes."
    )
    targets = (
        Target("largest web process", max(float(row["PSS MB"]) for row in rows[:-1]), WEB, " MB"),
        Target("worker", float(rows[-1]["PSS MB"]), WORKER, " MB"),
    )
    return Result("Memory", how, rows, targets)


def _row(name: str, process: psutil.Process) -> dict[str, str | float]:
    found = process.memory_full_info()
    return {
        "process": name,
        "PSS MB": found.pss / 1e6,
        "RSS MB": found.rss / 1e6,
        "of its own (USS) MB": found.uss / 1e6,
    }
