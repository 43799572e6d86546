"""One program for one folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.errors import ConfigurationError, GreffierError


class InUse(GreffierError):
    """Another program has the folder."""


@contextmanager
def only_one(folder: Path, setting: str, program: str) -> Iterator[None]:
    """Make the folder, and keep a second such program from it while we run; the kernel lets go when we end.

    Raises InUse if one runs there, ConfigurationError, which names `setting`, if the folder is not for us.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDONLY | os.O_CREAT, 0o644)
    except OSError as error:
        raise ConfigurationError(f"{setting}: {folder}: cannot be made or written: {error.strerror}") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InUse(f"another {program} runs in {folder}: stop it, or give another {setting}") from None
        yield
    finally:
        os.close(lock)
