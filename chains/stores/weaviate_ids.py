"""The ids of objects in Weaviate: made so that a passage's tells its document and its place in it.

To read but one property of an object costs several times the search for it; what a search finds is known by ids alone.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence

MOST = 250_000
"""Keys that a process remembers: about 40 MB."""
_NUMBER = 32  # bits for a passage's place, from 1; 0 is the document itself
_PLACE = (1 << _NUMBER) - 1
_CUSTOM = (0xF << 76 | 0x3 << 62, 0x8 << 76 | 0x2 << 62)  # version 8 of RFC 9562: an id of one's own making


def document_id(key: str) -> uuid.UUID:
    """The same document has the same id for ever: what is inserted twice is there once."""
    digest = int.from_bytes(hashlib.sha256(key.encode()).digest()[:16])
    bits, version = _CUSTOM
    return uuid.UUID(int=digest & ~bits & ~_PLACE | version)


def passage_id(key: str) -> uuid.UUID:
    """The same for a passage, whose key is its document's with `#` and its number. Another key has no passage's id."""
    document, _, number = key.rpartition("#")
    return uuid.UUID(int=document_id(document).int + int(number) + 1) if number.isdecimal() else document_id(key)


def passage_key(document: str, number: int) -> str:
    """The key of that passage of a document."""
    return f"{document}#{number}"


def document_of(id: uuid.UUID) -> int:
    """The number of the document that an object is, or is of."""
    return id.int & ~_PLACE


def place_in(id: uuid.UUID) -> int:
    """Which passage of its document an object is; -1 for the document itself."""
    return (id.int & _PLACE) - 1


class Keys:
    """The key of each document by its number, remembered: a number is made from its key and never stands for another.

    Safe between threads: at worst something is asked for twice.
    """

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def of(self, numbers: Iterable[int], fetch: Callable[[Sequence[uuid.UUID]], Iterable[str]]) -> Mapping[int, str]:
        """The keys of at least those documents that are there; `fetch` gives those of the ids that are not known."""
        known = self._known
        missing = [uuid.UUID(int=number) for number in set(numbers) if number not in known]
        if missing:
            if len(known) + len(missing) > MOST:
                known = self._known = {}
                missing = [uuid.UUID(int=number) for number in set(numbers)]
            known.update({document_id(key).int: key for key in fetch(missing)})
        return known
