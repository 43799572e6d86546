"""How a process of many threads and many objects treats its memory."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # malloc.h
_BYTES = 128 * 1024  # glibc's own start


def give_back() -> None:
    """Let freed memory go back to the system.

    glibc raises two of its limits to the largest block that was ever freed, and then keeps as much twice over, in each
    thread's heap: after the language model was loaded that is a hundred megabytes. A limit that is set stays. Elsewhere
    than with glibc nothing happens.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, _BYTES)
        libc.mallopt(_TRIM_THRESHOLD, _BYTES)


def settle() -> None:
    """Called once everything is built: it stays, so the collector need not look through it again and again.

    After that it looks less often, too: a draft makes thousands of objects that go by themselves. Together that is a
    tenth of Greffier's own time for a draft.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
