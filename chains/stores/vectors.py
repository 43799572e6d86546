"""A vector as the cache and the stores' callers keep it: half-precision numbers, little-endian."""

from __future__ import annotations

import struct
from collections.abc import Sequence


def to_bytes(vector: Sequence[float]) -> bytes:
    """The bytes of a vector."""
    return struct.pack(f"<{len(vector)}e", *vector)


def floats(vector: bytes) -> list[float]:
    """The numbers of a vector."""
    return list(struct.unpack(f"<{len(vector) // 2}e", vector))
