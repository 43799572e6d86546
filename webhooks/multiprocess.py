"""The counts of several processes of one web server, as one: prometheus-client's files, in a folder of their own."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import Metric, values
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

_PREFIX = "greffier-web-"
_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # where prometheus-client looks for the folder


class Together(Collector):
    """Each process has a place, a small number, and its files.

    A process that takes the place of a dead one goes on with its files: nothing is lost, and there are never more files
    than there were processes at once. Only counters and histograms: of gauges those of the dead would have to go.
    """

    def __init__(self) -> None:
        for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
            _remove_if_left(left)
        self.folder, self._lock = _new()
        self.place = 0
        os.environ[_VARIABLE] = str(self.folder)
        values.ValueClass = values.MultiProcessValue(lambda: self.place)  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        """The counts of them all."""
        files = [str(file) for file in self.folder.glob("*.db") if file.stat().st_size]  # one just made is empty
        metrics: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        return metrics


@contextmanager
def together() -> Iterator[Together]:
    """Let metrics made from now on be counted together; the first process takes the folder away at the end."""
    shared, first = Together(), os.getpid()
    try:
        yield shared
    finally:
        if os.getpid() == first:
            shutil.rmtree(shared.folder, ignore_errors=True)


def _new() -> tuple[Path, int]:
    """A folder with its lock. Another start may take it for one that was left, before it is locked: then a next one."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        if (lock := _lock(folder)) is not None:
            return folder, lock


def _lock(folder: Path) -> int | None:
    """A lock on a folder until this process and those forked from it are gone; None if it is not to be had.

    `systemd-tmpfiles`, which cleans /tmp on many machines, leaves a locked folder alone (tmpfiles.d(5)).
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # of another user, or just gone
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _remove_if_left(folder: Path) -> None:
    """By one that was killed."""
    lock = _lock(folder)
    if lock is not None:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
