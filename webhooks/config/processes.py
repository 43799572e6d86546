"""The sections on the processes: what they write to their log, and how `greffier web` and `greffier worker` run."""

from __future__ import annotations

from pydantic import Field

from connector.settings import Section
from webhooks.logs import Form, Level


class LogSettings(Section):
    """`[log]`: what the programs write to stderr: never a citizen's text or a secret, at any level."""

    format: Form = "text"
    """`text`, or `json`: one object a line, for a collector."""
    level: Level = "info"
    """The least important lines that are written. Libraries are heard from `warning` on."""


class WebSettings(Section):
    """`[web]`: the process that takes webhooks in."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = Field(default=8000, ge=0, le=65535)
    """The port to listen on."""
    workers: int = Field(default=2, ge=1)
    """gunicorn's processes."""
    threads: int = Field(default=8, ge=1)
    """Threads of each process."""
    metrics: bool = True
    """Whether `/metrics` is answered on this port, for Prometheus. Like all but `/webhooks/`, it must not be reached
    from outside."""


class WorkerSettings(Section):
    """`[worker]`: the process that drafts."""

    concurrency: int = Field(default=4, ge=1)
    """Answers that the model is asked for at once: as many as its server has places for. A few more drafts are
    prepared meanwhile, so that none of the places is left empty."""
    stalled_after: float = Field(default=30, gt=0)
    """Seconds of silence after which a worker counts as dead and its messages are taken up again.
    Must exceed the time that a helpdesk takes to write a note."""
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """The port on which `/metrics` is answered, for Prometheus. Without one there is no such page."""
    metrics_host: str = "127.0.0.1"
    """The address to listen on for that."""

    @property
    def in_progress(self) -> int:
        """Drafts in progress at once, those included that are prepared or posted while the model is busy."""
        return self.concurrency + max(1, self.concurrency // 4)
