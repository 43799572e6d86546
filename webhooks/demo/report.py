"""What the demo shows: progress lines, a live table of the messages, and at the end a table or JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from webhooks.demo.messages import Message
from webhooks.demo.sandbox import Sandbox
from webhooks.entry import State
from webhooks.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Sent:
    """A message of the demo, where it stands in the sandbox and in the inbox."""

    message: Message
    ticket: int
    key: str


@dataclass(frozen=True, slots=True)
class Row:
    """How a message stands. `notes` counts Greffier's notes in its ticket, as the helpdesk has them."""

    subject: str
    shows: str
    ticket: int
    state: str
    reason: str | None
    notes: int
    seconds: float | None
    """From the message's acceptance to its end."""

    @property
    def settled(self) -> bool:
        """Whether nothing more will come."""
        return self.state in (State.POSTED, State.SKIPPED, State.DEAD)

    @property
    def ok(self) -> bool:
        """Exactly one note, or none and a reason."""
        if self.state == State.POSTED:
            return self.notes == 1
        return self.state == State.SKIPPED and bool(self.reason) and self.notes == 0


class Watch:
    """Looks at the messages from outside: the ledger for their state, the helpdesk for their notes."""

    def __init__(self, sent: list[Sent], sandbox: Sandbox, ledger: Ledger) -> None:
        self._sent = sent
        self._sandbox = sandbox
        self._ledger = ledger

    def rows(self) -> list[Row]:
        """Each message as it stands now."""
        return [self._row(sent) for sent in self._sent]

    def ok(self) -> bool:
        """Whether each message has exactly one note or a stated reason."""
        return all(row.ok for row in self.rows())

    def _row(self, sent: Sent) -> Row:
        entry = self._ledger.entry(sent.key)
        notes = sum("greffier" in note.preferences for note in self._sandbox.notes(sent.ticket))
        return Row(
            subject=sent.message.subject,
            shows=sent.message.shows,
            ticket=sent.ticket,
            state=entry.state if entry else "sent",
            reason=entry.reason if entry else None,
            notes=notes,
            seconds=entry.seconds if entry else None,
        )


class Reporter:
    """Tells what happens: people on the terminal, or a program by JSON on standard output."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._console = Console(stderr=as_json, highlight=False)

    def line(self, text: str) -> None:
        """A line of progress."""
        self._console.print(text, soft_wrap=True)

    def where(self, url: str, config: Path, logs: Path) -> None:
        """Where to look."""
        self.line(f"\nthe sandbox helpdesk  {url}\nthe configuration     {config}\nthe logs              {logs}\n")

    def follow(self, watch: Watch, require_alive: Callable[[], None], seconds: float) -> bool:
        """Show the table until every message is settled; False if that took longer than `seconds`."""
        end = time.monotonic() + seconds
        with Live(_table(watch.rows()), console=self._console, refresh_per_second=2, transient=True) as live:
            while time.monotonic() < end:
                rows = watch.rows()
                live.update(_table(rows))
                if all(row.settled for row in rows):
                    return True
                require_alive()
                time.sleep(0.5)
        return False

    def result(self, watch: Watch) -> None:
        """The end: the table, or JSON."""
        rows = watch.rows()
        if self._as_json:
            messages = [{**asdict(row), "ok": row.ok} for row in rows]
            sys.stdout.write(json.dumps({"ok": watch.ok(), "messages": messages}, ensure_ascii=False, indent=2) + "\n")
            sys.stdout.flush()
        else:
            self._console.print(_table(rows))


def _table(rows: list[Row]) -> Table:
    table = Table("Message", "Shows", "State", "Reason", "Notes", "Seconds")
    for row in rows:
        seconds = "" if row.seconds is None else f"{row.seconds:.0f}"
        table.add_row(row.subject, row.shows, row.state, row.reason or "", str(row.notes), seconds)
    return table
