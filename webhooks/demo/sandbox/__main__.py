"""`python -m webhooks.demo.sandbox`: the sandbox as a process of its own."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from webhooks.demo.sandbox.server import Sandbox, SandboxConfig
from webhooks.demo.sandbox.webhook import Webhook


def serve(*, port: int, token: str, webhook_url: str, secret: str) -> None:
    """Serve until SIGINT or SIGTERM; prints the address once it answers."""
    webhooks = (Webhook(webhook_url, secret),) if webhook_url else ()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with Sandbox(SandboxConfig(token=token, webhooks=webhooks)).start(port) as sandbox:
        sys.stdout.write(f"{sandbox.url}\n")
        sys.stdout.flush()
        stopped.wait()


def main() -> None:
    """Read the arguments; secrets come from files, so that no list of processes shows them."""
    parser = argparse.ArgumentParser(prog="python -m webhooks.demo.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--token-file", type=Path, required=True, help="holds the API token of the AI account")
    parser.add_argument("--webhook-url", default="", help="where citizens' messages are announced")
    parser.add_argument("--secret-file", type=Path, help="holds the key that deliveries are signed with")
    arguments = parser.parse_args()
    serve(
        port=arguments.port,
        token=arguments.token_file.read_text("utf-8").strip(),
        webhook_url=arguments.webhook_url,
        secret=arguments.secret_file.read_text("utf-8").strip() if arguments.secret_file else "",
    )


if __name__ == "__main__":
    main()
