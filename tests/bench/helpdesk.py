"""The sandbox helpdesk in a process of its own, with tickets in it.

`python -m tests.bench.helpdesk PORT TOKEN TICKETS`. Ticket and article number n belong together, from 1 on. The
messages are the demo's, over and over, each with a number: no two are the same.
"""

from __future__ import annotations

import sys
import threading

from webhooks.demo.messages import MESSAGES
from webhooks.demo.sandbox import Sandbox, SandboxConfig


def main(port: int, token: str, tickets: int) -> None:
    """Serve until the process is ended."""
    sandbox = Sandbox(SandboxConfig(token=token))
    for number in range(tickets):
        message = MESSAGES[number % len(MESSAGES)]
        sandbox.write_as_customer(message.subject, f"{message.text}\n\nDossier {number}", customer=message.customer)
    sandbox.start(port)
    threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
