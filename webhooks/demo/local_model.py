"""Serves a GGUF file on the processor, OpenAI-compatible, as a process of its own."""

from __future__ import annotations

import argparse
import os
import signal
import threading
from pathlib import Path

CONTEXT = 8192  # tokens; llama.cpp divides it by the slots


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--alias", required=True, help="the name that clients give the model")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    given = parser.parse_args()

    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(given.model)
    params.model_alias = {given.alias}
    params.hostnames = ["127.0.0.1"]
    params.port = given.port
    params.n_ctx = CONTEXT
    params.n_parallel = 1  # one answer at a time is quickest on a few cores
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = given.threads
    params.ui = False
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server = xllamacpp.Server(params)
    stop.wait()
    print("stopping", server.listening_address, flush=True)  # noqa: T201
    os._exit(0)  # its destructor waits for a main loop that may not end (seen in 2026.10)


if __name__ == "__main__":
    main()
