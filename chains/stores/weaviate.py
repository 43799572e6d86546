"""The store in Weaviate: for corpora beyond one machine's PostgreSQL, with replicas and erasable organisations.

Each embedder and each analyser has an index of its own, found by an alias: another one is made beside it, and the alias
is set when it is whole.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from weaviate import WeaviateClient
from weaviate.classes.config import ConsistencyLevel
from weaviate.classes.data import DataObject
from weaviate.classes.query import Filter, MetadataQuery
from weaviate.collections import Collection
from weaviate.collections.classes.filters import _Filters
from weaviate.exceptions import WeaviateInsertManyAllFailedError

from chains.draft import Passage
from chains.stores import weaviate_index as layout
from chains.stores.store import SHARED, Embedded, Hit, Scope, Statistics, Within
from chains.stores.vectors import floats
from chains.stores.weaviate_index import EVERYBODY, STEMS, USUAL, Kind, Layout, Names, object_id
from chains.stores.weaviate_server import Connection, NoSuchCollection, NoSuchTenant, Server, our_errors
from connector.errors import ConfigurationError, RemoteError

OBJECTS = 400
"""Objects in one insert."""
DOCUMENTS = 100
"""Documents that are written together: what an interruption leaves half done."""
_Query = Callable[["Collection[Any, Any]"], Any]


class WeaviateStore:
    """A `Store` in Weaviate.

    Every method raises RemoteError where Weaviate fails. With `anew`, an index that is there already is made again
    beside itself, and searched after `publish`.
    """

    def __init__(
        self, server: Server, *, embedder: str, dimension: int, layout: Layout = USUAL, anew: bool = False
    ) -> None:
        """`embedder` names the model that makes the vectors, `dimension` is their length."""
        self._connection = Connection(server)
        self._names = Names(layout, embedder, dimension)
        self._layout = layout
        self._anew = anew
        self._generation: int | None = None  # of what this process writes to

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    # searching

    def search(self, scope: Scope, stems: Sequence[str], limit: int, within: Within = SHARED) -> list[Hit]:
        if not stems:
            return []
        kind, field = STEMS[scope]
        query = " ".join(dict.fromkeys(stems))
        return self._hits(
            kind,
            limit,
            within,
            lambda collection: collection.query.bm25(
                query,
                query_properties=[field],
                limit=limit,
                filters=_filters(within),
                return_properties=_IDS[kind],
                return_metadata=MetadataQuery(score=True),
            ),
        )

    def nearest(self, vector: Sequence[float], limit: int, within: Within = SHARED) -> list[Hit]:
        if len(vector) != self._names.dimension:
            raise ConfigurationError(
                f"[embeddings] model: {len(vector)} numbers for a question, {self._names.dimension} for each passage of"
                " the index; give each model a name of its own and run greffier index"
            )
        return self._hits(
            Kind.PASSAGE,
            limit,
            within,
            lambda collection: collection.query.near_vector(
                list(vector),
                limit=limit,
                filters=_filters(within),
                return_properties=_IDS[Kind.PASSAGE],
                return_metadata=MetadataQuery(distance=True),
            ),
        )

    def rarities(self, stems: Sequence[str], within: Within = SHARED) -> dict[str, float]:
        asked = list(dict.fromkeys(stems))
        counts = [0] * (len(asked) + 1)
        with self._reading() as client:
            for tenant in self._tenants(within):
                query = _counts_query(self._name(client, Kind.DOCUMENT), asked, tenant)
                try:
                    found = _answer(client, query)
                except NoSuchTenant:
                    continue
                counts = [count + found[f"n{number}"] for number, count in enumerate(counts)]
        documents, *holding = counts
        return {
            stem: math.log(1 + (documents - held + 0.5) / (held + 0.5))
            for stem, held in zip(asked, holding, strict=True)
        }

    def passages(self, ids: Sequence[str], within: Within = SHARED) -> dict[str, Passage]:
        if not ids:
            return {}
        wanted = Filter.by_id().contains_any([object_id(id) for id in ids])
        found = self._query(
            Kind.PASSAGE,
            within,
            lambda collection: collection.query.fetch_objects(filters=wanted & _filters(within), limit=len(ids)),
        )
        return {one.properties["key"]: layout.passage(one.properties) for one in found}

    def statistics(self) -> Statistics:
        complete, embedded = (Filter.by_property(name).equal(True) for name in ("complete", "embedded"))
        with self._reading():
            return Statistics(
                self._count(Kind.DOCUMENT, complete),
                self._count(Kind.PASSAGE),
                self._count(Kind.PASSAGE, embedded),
                self._names.embedder,
                self._names.dimension,
            )

    # indexing

    def digests(self, corpus: str) -> dict[str, str]:
        with our_errors():
            client = self._connection.client()
            if self._target(client) is None:
                return {}
            return {
                one.properties["key"]: one.properties["digest"]
                for collection in self._everywhere(client, Kind.DOCUMENT)
                for one in collection.iterator(return_properties=["key", "corpus", "digest"], cache_size=1000)
                if one.properties["corpus"] == corpus
            }

    def update(self, replaced: Sequence[Embedded], removed: Sequence[str]) -> None:
        """A document's new passages are there before its old ones go; its digest comes last, when all is well."""
        for entry in replaced:
            self._require_sound(entry)
        with our_errors():
            client = self._writable()
            for organisation in dict.fromkeys(entry.document.organisation for entry in replaced):
                entries = [entry for entry in replaced if entry.document.organisation == organisation]
                for some in layout.batches(entries, DOCUMENTS):
                    self._replace(client, layout.tenant(organisation), some)
            for ids in layout.batches(list(removed), DOCUMENTS):
                self._remove(client, ids)

    def unembedded(self, corpus: str, limit: int) -> list[Passage]:
        missing = Filter.by_property("corpus").equal(corpus) & Filter.by_property("embedded").equal(False)
        found: list[Passage] = []
        with self._reading() as client:
            for collection in self._everywhere(client, Kind.PASSAGE):
                objects = collection.query.fetch_objects(filters=missing, limit=limit - len(found)).objects
                found += [layout.passage(one.properties) for one in objects]
                if len(found) >= limit:
                    break
        return found

    def embed(self, vectors: Mapping[str, bytes]) -> None:
        with our_errors():
            client = self._writable()
            for ids in layout.batches(list(vectors), OBJECTS):
                wanted = Filter.by_id().contains_any([object_id(id) for id in ids])
                for collection in self._everywhere(client, Kind.PASSAGE):
                    found = collection.query.fetch_objects(filters=wanted, limit=len(ids)).objects
                    _insert(collection, [_with_vector(one.properties, vectors) for one in found])

    def finish(self) -> None:
        """Weaviate keeps its indexes as it goes."""

    def publish(self) -> None:
        with our_errors():
            client = self._writable()
            live = self._live(client)
            if live != self._generation and self._generation is not None:
                self._point(client, self._generation)
            for name in client.collections.list_all(simple=True):
                if self._names.generation(name) not in (None, self._generation):
                    client.collections.delete(name)

    # writing one batch

    def _replace(self, client: WeaviateClient, tenant: str, entries: Sequence[Embedded]) -> None:
        documents = self._at(client, Kind.DOCUMENT, tenant)
        passages = self._at(client, Kind.PASSAGE, tenant)
        ids = [entry.document.id for entry in entries]
        if self._layout.tenants:  # a search there would be refused until something is written
            client.collections.use(self._name(client, Kind.DOCUMENT)).tenants.create([tenant])
            client.collections.use(self._name(client, Kind.PASSAGE)).tenants.create([tenant])
        known = documents.query.fetch_objects(
            filters=Filter.by_id().contains_any(list(map(object_id, ids))), limit=len(ids), return_properties=["key"]
        )
        _insert(documents, [layout.document_object(entry.document, complete=False) for entry in entries])
        _insert(
            passages,
            [
                layout.passage_object(entry.document, passage, vector)
                for entry in entries
                for passage, vector in zip(entry.document.passages, entry.vectors, strict=True)
            ],
        )
        before = [str(one.properties["key"]) for one in known.objects]
        if before:
            _delete(
                passages,
                Filter.by_property("document").contains_any(before)
                & Filter.by_property("revision").contains_none([entry.document.digest for entry in entries]),
            )
        _insert(documents, [layout.document_object(entry.document, complete=True) for entry in entries])

    def _remove(self, client: WeaviateClient, ids: Sequence[str]) -> None:
        for collection in self._everywhere(client, Kind.PASSAGE):
            _delete(collection, Filter.by_property("document").contains_any(list(ids)))
        for collection in self._everywhere(client, Kind.DOCUMENT):
            _delete(collection, Filter.by_id().contains_any(list(map(object_id, ids))))

    def _require_sound(self, entry: Embedded) -> None:
        document = entry.document
        if EVERYBODY in (document.organisation, document.audience):
            raise ConfigurationError(f"{document.id}: {EVERYBODY!r} is no name of an organisation or an audience")
        for vector in entry.vectors:
            if vector is not None and len(vector) != 2 * self._names.dimension:
                raise ConfigurationError(f"[embeddings] {document.id}: a vector of {len(vector) // 2} numbers")

    # finding the collections

    def _hits(self, kind: Kind, limit: int, within: Within, query: _Query) -> list[Hit]:
        hits = [_hit(kind, one) for one in self._query(kind, within, query)]
        return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:limit]

    def _query(self, kind: Kind, within: Within, query: _Query) -> Iterator[Any]:
        with self._reading() as client:
            for tenant in self._tenants(within):
                try:
                    with our_errors():
                        yield from query(self._at(client, kind, tenant)).objects
                except NoSuchTenant:
                    continue

    @contextmanager
    def _reading(self) -> Iterator[WeaviateClient]:
        """A client to read with; where our index is missing, the error says what is there instead."""
        try:
            with our_errors():
                yield self._connection.client()
        except NoSuchCollection:
            raise ConfigurationError(self._missing()) from None

    def _missing(self) -> str:
        with our_errors():
            client = self._connection.client()
            ours = f"{self._layout.prefix}_"
            aliases = [
                name for name in client.alias.list_all() if name.startswith(ours) and name.endswith(Kind.PASSAGE)
            ]
            others = [layout.about(client, name) for name in sorted(aliases)]
        if not others:
            return "there is no index yet: run greffier index"
        found = ", ".join(f"{embedder} ({dimension})" for embedder, dimension in others)
        return (
            f"[embeddings] names the model {self._names.embedder} ({self._names.dimension}), but the index was made"
            f" with {found} or by another version of Greffier: run greffier index, or set [embeddings] back"
        )

    def _tenants(self, within: Within) -> list[str]:
        if not self._layout.tenants:
            return [""]
        return list(map(layout.tenant, dict.fromkeys(("", within.organisation))))

    def _everywhere(self, client: WeaviateClient, kind: Kind) -> Iterator[Collection[Any, Any]]:
        """The collection, or each of its tenants."""
        tenants = client.collections.use(self._name(client, kind)).tenants.get() if self._layout.tenants else [""]
        for tenant in tenants:
            yield self._at(client, kind, tenant)

    def _at(self, client: WeaviateClient, kind: Kind, tenant: str) -> Collection[Any, Any]:
        collection = client.collections.use(self._name(client, kind))
        collection = collection.with_consistency_level(ConsistencyLevel(self._layout.consistency.upper()))
        return collection.with_tenant(tenant) if self._layout.tenants else collection

    def _name(self, client: WeaviateClient, kind: Kind) -> str:
        """What this process writes to, else what is in use."""
        if self._generation is not None:
            return self._names.collection(kind, self._generation)
        return self._names.alias(kind)

    def _live(self, client: WeaviateClient) -> int | None:
        """The generation in use."""
        alias = client.alias.get(alias_name=self._names.alias(Kind.PASSAGE))
        return self._names.generation(alias.collection) if alias else None

    def _target(self, client: WeaviateClient) -> int | None:
        """The generation to write to, if it is there already; from now on it is also what is read here."""
        if self._generation is None:
            live = self._live(client)
            there = {self._names.generation(name) for name in client.collections.list_all(simple=True)} - {None, live}
            self._generation = live if live is not None and not self._anew else max(filter(None, there), default=None)
        return self._generation

    def _writable(self) -> WeaviateClient:
        """A client, with collections to write to. The very first index is in use at once, text before vectors."""
        client = self._connection.client()
        if self._target(client) is None:
            live = self._live(client)
            self._generation = (live or 0) + 1
            layout.create(client, self._names, self._generation)
            if not any(name.startswith(f"{self._layout.prefix}_") for name in client.alias.list_all()):
                self._point(client, self._generation)
        return client

    def _point(self, client: WeaviateClient, generation: int) -> None:
        for kind in Kind:
            alias, target = self._names.alias(kind), self._names.collection(kind, generation)
            if not client.alias.update(alias_name=alias, new_target_collection=target):
                client.alias.create(alias_name=alias, target_collection=target)

    def _count(self, kind: Kind, filters: _Filters | None = None) -> int:
        client = self._connection.client()
        return sum(
            collection.aggregate.over_all(filters=filters, total_count=True).total_count or 0
            for collection in self._everywhere(client, kind)
        )


_IDS = {Kind.PASSAGE: ["key", "document"], Kind.DOCUMENT: ["key"]}


def _hit(kind: Kind, found: Any) -> Hit:
    key, meta = found.properties["key"], found.metadata
    score = meta.score if meta.distance is None else 1 - meta.distance
    return Hit(key, found.properties["document"] if kind is Kind.PASSAGE else key, score)


def _filters(within: Within) -> _Filters:
    """What keeps a search within. It is put together here alone, from names of the configuration."""
    organisations = [EVERYBODY, *filter(None, [within.organisation])]
    filters = Filter.by_property("organisation").contains_any(organisations)
    if within.corpora is not None:
        filters = filters & Filter.by_property("corpus").contains_any(sorted(within.corpora) or [""])
    if within.audiences is not None:
        filters = filters & Filter.by_property("audience").contains_any([EVERYBODY, *sorted(within.audiences)])
    return filters


def _with_vector(properties: Any, vectors: Mapping[str, bytes]) -> DataObject[Any, None]:
    key = properties["key"]
    given = {name: value for name, value in properties.items() if value is not None}
    return DataObject(uuid=object_id(key), properties=given | {"embedded": True}, vector=floats(vectors[key]))


def _insert(collection: Collection[Any, Any], objects: list[DataObject[Any, None]]) -> None:
    """Insert or replace. Raises RemoteError that names what was refused; nothing is lost without a word."""
    for some in layout.batches(objects, OBJECTS):
        try:
            done = collection.data.insert_many(some)
        except WeaviateInsertManyAllFailedError as error:
            raise RemoteError(
                f"[store] url: Weaviate stored none of {len(some)}: {error}"[:300], permanent=False
            ) from None
        failed = {some[number].properties["key"]: error.message for number, error in done.errors.items()}
        if failed or len(done.uuids) != len(some):
            first = next(iter(failed.items()), ("?", "no answer"))
            raise RemoteError(
                f"[store] url: Weaviate stored {len(done.uuids)} of {len(some)}; {first[0]}: {first[1]}"[:300],
                permanent=False,
            )


def _delete(collection: Collection[Any, Any], which: _Filters) -> None:
    while True:  # a server deletes so many at a time
        done = collection.data.delete_many(where=which)
        if done.failed:
            raise RemoteError(f"[store] url: Weaviate could not delete {done.failed} objects", permanent=False)
        if not done.matches or done.matches == done.successful < 10_000:
            return


def _counts_query(collection: str, stems: Sequence[str], tenant: str) -> str:
    """How many documents there are, and how many hold each of the stems: one question for all of them."""
    at = [f"tenant: {json.dumps(tenant)}"] if tenant else []
    wheres = [f'where: {{path: ["text_stems"], operator: Equal, valueText: {json.dumps(stem)}}}' for stem in stems]
    counts = []
    for number, where in enumerate(["", *wheres]):
        given = ", ".join([*at, *filter(None, [where])])
        counts.append(f"n{number}: {collection}{f'({given})' if given else ''} {{ meta {{ count }} }}")
    return f"{{ Aggregate {{ {' '.join(counts)} }} }}"


def _answer(client: WeaviateClient, query: str) -> dict[str, int]:
    answer = client.graphql_raw_query(query)
    if not answer.errors:
        return {name: found[0]["meta"]["count"] for name, found in answer.aggregate.items()}
    message = str(answer.errors)
    if "tenant" in message:
        raise NoSuchTenant(message)
    if "Cannot query field" in message:
        raise NoSuchCollection(message)
    raise RemoteError(f"[store] url: Weaviate failed: {message}"[:300], permanent=False)
