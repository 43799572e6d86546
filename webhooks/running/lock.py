"""One program for one folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.errors import ConfigurationError, GreffierError


@contextmanager
def only_one(folder: Path, setting: str, program: str) -> Iterator[None]:
    """Make the folder, and keep a second such program from it while we run; the kernel lets go when we end.

    Raises GreffierError if one runs there, ConfigurationError, which names `setting`, if the folder is not for us.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise ConfigurationError(f"{setting}: {folder}: cannot be made or written: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise GreffierError(f"another {program} runs in {folder}: stop it, or give another {setting}") from None
        yield
