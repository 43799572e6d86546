"""The demo's child processes: started with a log each, watched, and stopped together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from connector.errors import GreffierError
from webhooks.running.child import spawn

GRACE = 10.0  # seconds that a process has to stop


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Processes:
    """Python modules run as processes. Leaving the context stops them all, the last started first."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self._logs.mkdir(exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._running.values()):
            process.terminate()
        for process in reversed(self._running.values()):
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def start(self, name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        """Run `python ARGUMENTS`, in a session of its own so that a Ctrl-C reaches us first."""
        with (self._logs / f"{name}.log").open("wb") as log:
            self._running[name] = spawn(
                [sys.executable, *arguments], when_orphaned=signal.SIGKILL, environment=environment, output=log
            )

    def require_alive(self) -> None:
        """Raise GreffierError if a process has ended, with the last lines of its log."""
        for name, process in self._running.items():
            if process.poll() is not None:
                log = self._logs / f"{name}.log"
                last = "\n".join(log.read_text("utf-8", "replace").splitlines()[-5:])
                raise GreffierError(f"the {name} process ended with status {process.returncode}; from {log}:\n{last}")

    def wait_until(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait for that to be so. Raises GreffierError if a process ends or the time is over."""
        end = time.monotonic() + seconds
        while not ready():
            self.require_alive()
            if time.monotonic() > end:
                raise GreffierError(f"{what}: not ready after {seconds:.0f} s; see {self._logs}")
            time.sleep(0.2)


def answers(url: str) -> bool:
    """Whether a GET of that address is a success."""
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False
