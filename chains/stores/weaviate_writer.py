"""How objects get into Weaviate and out of it, with each answer looked at: what was not stored is said."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace as replaced
from functools import partial
from itertools import chain, islice
from operator import add
from typing import Any, TypeVar, cast

from weaviate.classes.data import DataObject
from weaviate.classes.query import Filter
from weaviate.collections import Collection
from weaviate.collections.classes.filters import _Filters
from weaviate.exceptions import WeaviateInsertManyAllFailedError

from chains.corpora.document import Document
from chains.stores import weaviate_journal as journal
from chains.stores.store import Embedded
from chains.stores.vectors import floats
from chains.stores.weaviate_ids import document_id, passage_id
from chains.stores.weaviate_objects import Words, announced_object, document_object, passage_objects
from connector.errors import RemoteError

OBJECTS = 400
"""Objects in one insert."""
AVERAGED = 50
"""Documents whose vectors are read together."""
AT_ONCE = 10_000
"""What a server deletes or finds at a time, unless it is set otherwise (`QUERY_MAXIMUM_RESULTS`)."""
Objects = Collection[Any, Any]
_T = TypeVar("_T")


def replace(documents: Objects, passages: Objects, entries: Sequence[Embedded]) -> None:
    """Put documents in the place of what they were. A document has its digest when all its passages are there."""
    ids = [document_id(entry.document.id) for entry in entries]
    known = documents.query.fetch_objects(
        filters=Filter.by_id().contains_any(ids), limit=len(ids), return_properties=["key"]
    ).objects
    there = {str(one.properties["key"]) for one in known}
    said = [Words.of(entry.document) for entry in entries]
    whole = [
        document_object(entry.document, words, _mean(entry.vectors)) for entry, words in zip(entries, said, strict=True)
    ]
    insert(documents, [_begun(entry.document, one, there) for entry, one in zip(entries, whole, strict=True)])
    insert(passages, list(chain.from_iterable(map(passage_objects, entries, said))))
    if there:
        of_them = Filter.by_property("document").contains_any(sorted(there))
        revisions = [entry.document.digest for entry in entries]
        delete(passages, of_them & Filter.by_property("revision").contains_none(revisions))
    insert(documents, whole)


def remove(documents: Objects, passages: Objects, ids: Sequence[str]) -> None:
    """Take documents out by id: their passages first, so that an interruption leaves what the next run finds."""
    delete(passages, Filter.by_property("document").contains_any(list(ids)))
    delete(documents, Filter.by_id().contains_any(list(map(document_id, ids))))


def embed(passages: Objects, vectors: Mapping[str, bytes]) -> None:
    """Give those of the passages that are there their vectors."""
    for ids in batches(list(vectors), OBJECTS):
        wanted = Filter.by_id().contains_any([passage_id(id) for id in ids])
        found = passages.query.fetch_objects(filters=wanted, limit=len(ids)).objects
        insert(passages, [_with_vector(one.properties, vectors) for one in found])


def average(documents: Objects, passages: Objects) -> None:
    """Give each document whose passages have changed the mean of the vectors that they have."""
    while True:
        waiting = _waiting(documents)
        done = [_average(documents, passages, keys) for keys in batches(waiting, AVERAGED)]
        if len(waiting) < AT_ONCE or not any(done):
            return


def _waiting(documents: Objects) -> list[str]:
    """The documents without a mean of all their vectors, as many as a server tells."""
    waiting = Filter.by_property("averaged").equal(False) & Filter.by_property("complete").equal(True)
    found = documents.query.fetch_objects(filters=waiting, limit=AT_ONCE, return_properties=["key"]).objects
    return [str(one.properties["key"]) for one in found]


def _average(documents: Objects, passages: Objects, keys: list[str]) -> int:
    """How many of these documents need no other mean, because all their passages have their vectors."""
    of_them = Filter.by_property("document").contains_any(keys)
    lacking = of_them & Filter.by_property("embedded").equal(False)
    found = passages.query.fetch_objects(filters=lacking, limit=AT_ONCE, return_properties=["document"]).objects
    partial = {one.properties["document"] for one in found}
    sums = _sums(passages, of_them)
    wanted = Filter.by_id().contains_any(list(map(document_id, keys)))
    known = documents.query.fetch_objects(filters=wanted, limit=len(keys)).objects
    changed = [one.properties for one in known if one.properties["key"] in sums]
    insert(documents, [_averaged(one, sums[one["key"]], all_of_them=one["key"] not in partial) for one in changed])
    return len(sums.keys() - partial)


def _sums(passages: Objects, of_them: _Filters) -> dict[str, list[float]]:
    """The sum of the vectors of each document's passages: its direction is that of their mean."""
    sums: dict[str, list[float]] = {}
    there = of_them & Filter.by_property("embedded").equal(True)
    start = 0
    while found := passages.query.fetch_objects(
        filters=there, limit=OBJECTS, offset=start, include_vector=True, return_properties=["document"]
    ).objects:
        start += len(found)
        for one in found:
            document, vector = str(one.properties["document"]), cast("list[float]", one.vector["default"])
            sums[document] = list(map(add, sums[document], vector)) if document in sums else vector
    return sums


def insert(collection: Objects, objects: Sequence[DataObject[Any, None]]) -> None:
    """Insert or replace. Raises RemoteError that names the first object that was refused."""
    for some in batches(list(objects), OBJECTS):
        with journal.noted(collection, some, partial(_insert, collection, of=some)):
            _insert(collection, some, of=some)


def mend(collection: Objects, dimension: int) -> None:
    """Write again what was being written when a server or a process died."""
    journal.mend(collection, dimension, lambda objects: _insert(collection, objects, of=objects))


def _insert(collection: Objects, some: Sequence[DataObject[Any, None]], *, of: Sequence[DataObject[Any, None]]) -> None:
    """Insert objects, which are some or stand for some. What is refused is tried once more.

    After a crash a vector index may refuse the first that it is given, until it has others (Weaviate 1.39).
    """
    if not some:
        return
    refused = _refused(collection, some)
    if again := _refused(collection, [some[number] for number in refused]):
        number = list(refused)[min(again)]
        raise _not_stored(len(some) - len(again), of[number:], again[min(again)])


def _refused(collection: Objects, some: Sequence[DataObject[Any, None]]) -> dict[int, str]:
    """Insert; why which of them were not."""
    if not some:
        return {}
    try:
        done = collection.data.insert_many(some)
    except WeaviateInsertManyAllFailedError as error:
        return dict.fromkeys(range(len(some)), str(error).rpartition("errors: ")[2])
    if not done.errors and len(done.uuids) != len(some):
        return {0: "no answer"}
    return {number: error.message for number, error in done.errors.items()}


def delete(collection: Objects, which: _Filters) -> None:
    """Delete all that match. Raises RemoteError if some stay."""
    while True:
        done = collection.data.delete_many(where=which)
        if done.failed:
            raise RemoteError(f"[store] url: Weaviate could not delete {done.failed} objects", permanent=False)
        if done.matches < AT_ONCE:
            return


def batches(things: list[_T], size: int) -> Iterator[list[_T]]:
    """A list in parts of that size."""
    remaining = iter(things)
    while batch := list(islice(remaining, size)):
        yield batch


def _begun(document: Document, whole: DataObject[Any, None], there: Container[str]) -> DataObject[Any, None]:
    """What stands for a document until its passages are in; one that was there before is found all the while."""
    if document.id not in there:
        return announced_object(document)
    return replaced(whole, properties={**(whole.properties or {}), "digest": "", "complete": False})


def _mean(vectors: Sequence[bytes | None]) -> list[float] | None:
    """The direction of their mean; None until all are there."""
    known = [floats(vector) for vector in vectors if vector is not None]
    return list(map(sum, zip(*known, strict=True))) if known and len(known) == len(vectors) else None


def _with_vector(properties: Any, vectors: Mapping[str, bytes]) -> DataObject[Any, None]:
    key = properties["key"]
    given = {name: value for name, value in properties.items() if value is not None}
    return DataObject(uuid=passage_id(key), properties=given | {"embedded": True}, vector=floats(vectors[key]))


def _averaged(properties: Any, vector: list[float], *, all_of_them: bool) -> DataObject[Any, None]:
    given = {name: value for name, value in properties.items() if value is not None}
    return DataObject(uuid=document_id(given["key"]), properties=given | {"averaged": all_of_them}, vector=vector)


def _not_stored(stored: int, rest: Sequence[DataObject[Any, None]], why: str) -> RemoteError:
    where = f"stored {stored} objects of {stored + len(rest)}" if stored else f"stored none of {len(rest)} objects"
    key = (rest[0].properties or {}).get("key")
    hint = "; is its disk full?" if "read-only" in why else ""
    return RemoteError(f"[store] url: Weaviate {where}; {key}: {why[:200]}{hint}", permanent=False)
