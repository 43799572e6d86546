"""What is being written to Weaviate, noted down in it, so that a server that dies then is mended afterwards.

A batch is flushed at its end, but much of it before: of an object whose server was killed, the text may be there and
its words not be found. To write it again does not help: Weaviate sees that nothing has changed, and leaves its indexes
as they are. What was under way is therefore written as something else first.

A note is an object too, whose id is lower than any of ours: the first in the order in which Weaviate tells all objects,
which it does without any of the indexes.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from weaviate.classes.data import DataObject
from weaviate.collections import Collection

Objects = Collection[Any, Any]
Object = DataObject[Any, None]
_NOTES = 1 << 64
"""The ids of notes are below; ours begin with a digest."""
_NOTES_AT_ONCE = 20
LONGER = 1.001
"""Makes another vector of the same direction, which is all that counts: should mending be cut too, nothing is lost."""


@contextmanager
def noted(collection: Objects, batch: Sequence[Object], insert: Callable[[list[Object]], None]) -> Iterator[None]:
    """Note a batch down for as long as it is written; where that fails the note stays.

    To take the note out flushes the vector index too. The batch itself does that before all its vectors are in
    (Weaviate 1.39): what is held back then would be lost in a later crash.
    """
    ids = ",".join(one.uuid.hex for one in batch if isinstance(one.uuid, uuid.UUID))
    note = uuid.UUID(int=1 + secrets.randbelow(_NOTES - 1))
    insert([DataObject(uuid=note, properties={"key": ids})])
    yield
    collection.data.delete_by_id(note)


def mend(collection: Objects, dimension: int, insert: Callable[[list[Object]], None]) -> None:
    """Write again what was under way when a server or a process died; vectors have so many numbers."""
    while notes := _after(collection, 0, _NOTES_AT_ONCE, below=_NOTES):
        for note in notes:
            under_way = [uuid.UUID(hex=id) for id in note.properties["key"].split(",")]
            objects = [_object(one) for id in under_way for one in _after(collection, id.int - 1, 1, below=id.int + 1)]
            without = [one for one in objects if not one.vector]
            insert([_with(one, [1.0] * dimension) for one in without])
            insert(without)
            insert([_with(one, _longer(one.vector)) for one in objects if one.vector])
            collection.data.delete_by_id(note.uuid)


def _after(collection: Objects, id: int, limit: int, *, below: int) -> list[Any]:
    """The objects whose ids follow, in order."""
    found = collection.query.fetch_objects(limit=limit, after=uuid.UUID(int=id), include_vector=True).objects
    return [one for one in found if id < one.uuid.int < below]


def _object(stored: Any) -> Object:
    given = {name: value for name, value in stored.properties.items() if value is not None}
    return DataObject(uuid=stored.uuid, properties=given, vector=stored.vector.get("default") or None)


def _with(one: Object, vector: list[float]) -> Object:
    """The same with another vector: it then counts as new, and all its words are indexed."""
    return DataObject(uuid=one.uuid, properties=one.properties, vector=vector)


def _longer(vector: Any) -> list[float]:
    return [LONGER * number for number in vector]
