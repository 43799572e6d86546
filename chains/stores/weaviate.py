"""The store in Weaviate: for corpora beyond one machine's PostgreSQL, with replicas and erasable organisations.

Each embedder and each analyser has an index of its own, found by an alias: another one is made beside it, and the alias
is set when it is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from types import MappingProxyType
from typing import Any
from uuid import UUID

from weaviate import WeaviateClient
from weaviate.classes.query import Filter, MetadataQuery
from weaviate.collections.classes.filters import _Filters

from chains.draft import Passage
from chains.stores import weaviate_writer as writer
from chains.stores.store import SHARED, Embedded, Hit, Scope, Statistics, Within
from chains.stores.weaviate_collections import USUAL, Collections, Layout, Names
from chains.stores.weaviate_ids import Keys, document_id, document_of, passage_id, passage_key, place_in
from chains.stores.weaviate_objects import EVERYBODY, STEMS, Kind, as_passage
from chains.stores.weaviate_rarities import Rare, Rarities, rarities, together
from chains.stores.weaviate_server import NoSuchTenant, Server, our_errors
from connector.errors import ConfigurationError

DOCUMENTS = 100
"""Documents that are written together."""
AT_ONCE = 2
"""So many times as many are on their way: what an interruption leaves half done."""
NO_WEIGHTS: Mapping[str, float] = MappingProxyType({})
_Query = Callable[[writer.Objects], Any]


class WeaviateStore:
    """A `Store` in Weaviate.

    Every method raises RemoteError where Weaviate fails. With `anew`, an index that is there already is made again
    beside itself, and searched after `publish`.
    """

    def __init__(
        self, server: Server, *, embedder: str, dimension: int, layout: Layout = USUAL, anew: bool = False
    ) -> None:
        """`embedder` names the model that makes the vectors, `dimension` is their length."""
        self._embedder, self._dimension = embedder, dimension
        self._collections = Collections(server, Names(layout, embedder, dimension), anew=anew)
        self._rarities = Rarities()
        self._keys = Keys()
        self._sound = False  # whether all that was begun to be written has been

    def close(self) -> None:
        self._collections.close()

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
                return_properties=False,
                return_metadata=MetadataQuery(score=True),
            ),
            self._weights(stems, within),
        )

    def nearest(self, vector: Sequence[float], limit: int, within: Within = SHARED) -> list[Hit]:
        if len(vector) != self._dimension:
            raise ConfigurationError(
                f"[embeddings] model: {len(vector)} numbers for a question, {self._dimension} for each passage of"
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
                return_properties=False,
                return_metadata=MetadataQuery(distance=True),
            ),
        )

    def middles(self, vector: Sequence[float], documents: Sequence[str], within: Within = SHARED) -> dict[str, float]:
        if not documents:
            return {}
        wanted = Filter.by_id().contains_any(list(map(document_id, documents)))
        hits = self._hits(
            Kind.DOCUMENT,
            len(documents),
            within,
            lambda collection: collection.query.near_vector(
                list(vector),
                limit=len(documents),
                filters=wanted & _filters(within),
                return_properties=False,
                return_metadata=MetadataQuery(distance=True),
            ),
        )
        return {hit.id: hit.score for hit in hits}

    def rarities(self, stems: Sequence[str], within: Within = SHARED) -> dict[str, float]:
        """Nearly so, and as it was at most some minutes ago: to count takes longer than to search."""
        asked = list(dict.fromkeys(stems))
        return together(self._rare(asked, within).values(), asked) if asked else {}

    def passages(self, ids: Sequence[str], within: Within = SHARED) -> dict[str, Passage]:
        if not ids:
            return {}
        wanted = Filter.by_id().contains_any(list(map(passage_id, ids)))
        every = self._found(
            Kind.PASSAGE,
            within,
            lambda collection: collection.query.fetch_objects(filters=wanted & _filters(within), limit=len(ids)),
        )
        return {one.properties["key"]: as_passage(one.properties) for _, _, found in every for one in found}

    def statistics(self) -> Statistics:
        complete, embedded = (Filter.by_property(name).equal(True) for name in ("complete", "embedded"))
        with self._collections.reading() as client:
            passages = self._count(client, Kind.PASSAGE)
            return Statistics(
                self._count(client, Kind.DOCUMENT, complete),
                passages,
                min(passages, self._count(client, Kind.PASSAGE, embedded)),  # a crash may leave some counted twice
                self._embedder,
                self._dimension,
            )

    def digests(self, corpus: str) -> dict[str, str]:
        with self._collections.reading() as client:
            if not self._collections.exist(client):
                return {}
            return {
                one.properties["key"]: one.properties["digest"]
                for collection in self._collections.everywhere(client, Kind.DOCUMENT)
                for one in collection.iterator(return_properties=["key", "corpus", "digest"], cache_size=1000)
                if one.properties["corpus"] == corpus
            }

    def update(self, replaced: Sequence[Embedded], removed: Sequence[str]) -> None:
        """A document's new passages are there before its old ones go; its digest comes last, when all is well."""
        for entry in replaced:
            self._require_sound(entry)
        with self._writing() as client:
            for organisation in dict.fromkeys(entry.document.organisation for entry in replaced):
                entries = [entry for entry in replaced if entry.document.organisation == organisation]
                self._replace(client, self._collections.add_tenant(client, organisation), entries)
            for ids in writer.batches(list(removed), DOCUMENTS):
                for documents, passages in self._pairs(client):
                    writer.remove(documents, passages, ids)

    def _replace(self, client: WeaviateClient, tenant: str, entries: Sequence[Embedded]) -> None:
        """Documents of one organisation; they are taken from any other that had them before."""
        pairs = list(self._pairs(client))

        def replace(some: Sequence[Embedded]) -> None:
            for documents, passages in pairs:
                if documents.tenant in (None, tenant):
                    writer.replace(documents, passages, some)
                else:
                    writer.remove(documents, passages, [entry.document.id for entry in some])

        with ThreadPoolExecutor(AT_ONCE) as pool:  # the server stores some while others are analysed here
            done = [pool.submit(replace, some) for some in writer.batches(list(entries), DOCUMENTS)]
            try:
                for future in done:
                    future.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def erase(self, organisation: str) -> None:
        """With tenants, its files are gone from the disk; without, its objects are, when Weaviate next tidies up."""
        with self._writing() as client:
            if self._collections.drop_tenant(client, organisation):
                return
            its_own = Filter.by_property("organisation").equal(organisation)
            for documents, passages in self._pairs(client):
                writer.delete(passages, its_own)
                writer.delete(documents, its_own)

    def unembedded(self, corpus: str, limit: int) -> list[Passage]:
        missing = Filter.by_property("corpus").equal(corpus) & Filter.by_property("embedded").equal(False)
        found: list[Passage] = []
        with self._collections.reading() as client:
            for collection in self._collections.everywhere(client, Kind.PASSAGE):
                objects = collection.query.fetch_objects(filters=missing, limit=limit - len(found)).objects
                found += [as_passage(one.properties) for one in objects]
                if len(found) >= limit:
                    break
        return found

    def embed(self, vectors: Mapping[str, bytes]) -> None:
        with self._writing() as client:
            for collection in self._collections.everywhere(client, Kind.PASSAGE):
                writer.embed(collection, vectors)

    def finish(self) -> None:
        with self._writing() as client:
            for documents, passages in self._pairs(client):
                writer.average(documents, passages)

    def publish(self) -> None:
        self._collections.publish()

    def unpublished(self) -> bool:
        return self._collections.unpublished()

    def others(self) -> list[str]:
        """Of what is made anew as well."""
        return self._collections.others()

    def drop_others(self) -> list[str]:
        return self._collections.drop_others()

    @contextmanager
    def _writing(self) -> Iterator[WeaviateClient]:
        """A client to write with, once what an interruption has left is mended."""
        with self._collections.writing() as client:
            for pair in [] if self._sound else list(self._pairs(client)):
                for collection in pair:
                    writer.mend(collection, self._dimension)
            self._sound = False
            yield client
            self._sound = True

    def _weights(self, stems: Sequence[str], within: Within) -> Mapping[str, float]:
        """What the BM25 scores of each tenant count beside those of the others.

        A word is as rare as it is among all that is searched, not as it is within a small tenant: one that each of an
        organisation's few documents holds would count for nothing there.
        """
        if len(self._collections.tenants(within)) < 2:
            return {}
        found = self._rare(list(dict.fromkeys(stems)), within)
        weights = {}
        for tenant, there in found.items():
            held = [stem for stem in there if there.holds(stem)]
            everywhere = together(found.values(), held)
            if held:
                weights[tenant] = sum(everywhere.values()) / sum(there[stem] for stem in held)
        return weights

    def _rare(self, stems: Sequence[str], within: Within) -> dict[str, Rare]:
        """How rare each of the stems is in each tenant."""
        found = {}
        with self._collections.reading() as client:
            for tenant in self._collections.tenants(within):
                with suppress(NoSuchTenant):
                    found[tenant] = self._rarities.of(stems, tenant, partial(self._ask_rarities, client, tenant))
        return found

    def _hits(
        self, kind: Kind, limit: int, within: Within, query: _Query, weights: Mapping[str, float] = NO_WEIGHTS
    ) -> list[Hit]:
        hits: list[Hit] = []
        for client, tenant, found in self._found(kind, within, query):
            fetch = partial(_keys, self._collections.at(client, Kind.DOCUMENT, tenant))
            keys = self._keys.of((document_of(one.uuid) for one in found), fetch)
            there = [_hit(one, keys[document_of(one.uuid)]) for one in found if document_of(one.uuid) in keys]
            hits += [hit._replace(score=weights.get(tenant, 1.0) * hit.score) for hit in there]
        return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:limit]

    def _found(self, kind: Kind, within: Within, query: _Query) -> Iterator[tuple[WeaviateClient, str, Sequence[Any]]]:
        """What each tenant has."""
        with self._collections.reading() as client:
            for tenant in self._collections.tenants(within):
                with suppress(NoSuchTenant), our_errors():
                    yield client, tenant, query(self._collections.at(client, kind, tenant)).objects

    def _pairs(self, client: WeaviateClient) -> Iterator[tuple[writer.Objects, writer.Objects]]:
        """Documents and passages, tenant by tenant."""
        everywhere = (self._collections.everywhere(client, kind) for kind in (Kind.DOCUMENT, Kind.PASSAGE))
        return zip(*everywhere, strict=True)

    def _ask_rarities(self, client: WeaviateClient, tenant: str, stems: Sequence[str]) -> Rare:
        return rarities(client, self._collections.real_name(client, Kind.DOCUMENT), stems, tenant)

    def _count(self, client: WeaviateClient, kind: Kind, filters: _Filters | None = None) -> int:
        return sum(
            collection.aggregate.over_all(filters=filters, total_count=True).total_count or 0
            for collection in self._collections.everywhere(client, kind)
        )

    def _require_sound(self, entry: Embedded) -> None:
        document = entry.document
        if EVERYBODY in (document.organisation, document.audience):
            raise ConfigurationError(f"{document.id}: {EVERYBODY!r} is no name of an organisation or an audience")
        if any(passage_key(document.id, n) != passage.id for n, passage in enumerate(document.passages)):
            raise ValueError(f"{document.id}: its passages are not numbered")
        for vector in entry.vectors:
            if vector is not None and len(vector) != 2 * self._dimension:
                raise ConfigurationError(f"[embeddings] {document.id}: a vector of {len(vector) // 2} numbers")


def _hit(found: Any, document: str) -> Hit:
    place, meta = place_in(found.uuid), found.metadata
    score = meta.score if meta.distance is None else 1 - meta.distance
    return Hit(document if place < 0 else passage_key(document, place), document, score)


def _keys(documents: writer.Objects, ids: Sequence[UUID]) -> list[str]:
    found = documents.query.fetch_objects(
        filters=Filter.by_id().contains_any(ids), limit=len(ids), return_properties=["key"]
    )
    return [str(one.properties["key"]) for one in found.objects]


def _filters(within: Within) -> _Filters:
    """What keeps a search within. It is put together here alone, from names of the configuration."""
    organisations = [EVERYBODY, *filter(None, [within.organisation])]
    filters = Filter.by_property("organisation").contains_any(organisations)
    if within.corpora is not None:
        filters = filters & Filter.by_property("corpus").contains_any(sorted(within.corpora) or [""])
    if within.audiences is not None:
        filters = filters & Filter.by_property("audience").contains_any([EVERYBODY, *sorted(within.audiences)])
    return filters
