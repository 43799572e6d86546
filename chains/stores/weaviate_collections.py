"""Where an index is in Weaviate: the collections of each generation, the aliases that point to them, the tenants."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from weaviate import WeaviateClient
from weaviate.classes.config import Configure, ConsistencyLevel, VectorDistances
from weaviate.collections import Collection

from chains.analyser import ANALYSER_VERSION
from chains.stores.store import Within
from chains.stores.weaviate_objects import LAYOUT, PROPERTIES, Kind
from chains.stores.weaviate_server import Connection, NoSuchCollection, Server, our_errors
from connector.errors import ConfigurationError

K1, B = 1.5, 0.75
"""BM25: how fast repeats stop counting, and how much length does."""
WHOLE = Configure.sharding(desired_count=1)
"""One shard, as a tenant is: Weaviate leaves out a shard whose node is gone, and tells nobody that it does."""
Consistency = Literal["one", "quorum", "all"]


@dataclass(frozen=True, slots=True)
class Layout:
    """How an index is laid out in Weaviate. `replicas` and `tenants` count when it is made."""

    prefix: str = "Greffier"
    """What the names of our collections begin with."""
    tenants: bool = False
    """Whether each organisation has a tenant of its own."""
    replicas: int = 1
    consistency: Consistency = "quorum"
    """How many of the replicas must agree."""


USUAL = Layout()


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one embedder's index. Each is made as a generation, and found by its alias."""

    layout: Layout
    embedder: str
    dimension: int

    @property
    def base(self) -> str:
        """What all its names begin with."""
        made_with = [LAYOUT, ANALYSER_VERSION, self.embedder, self.dimension, self.layout.tenants]
        return f"{self.layout.prefix}_{hashlib.sha256(json.dumps(made_with).encode()).hexdigest()[:12]}"

    def alias(self, kind: Kind) -> str:
        """What searches ask for."""
        return f"{self.base}_{kind}"

    def collection(self, kind: Kind, generation: int) -> str:
        """What is really there."""
        return f"{self.base}_{generation}_{kind}"

    def generation(self, collection: str) -> int | None:
        """The generation of a collection by its name; None if it is not ours."""
        number = collection.removeprefix(f"{self.base}_").partition("_")[0]
        return int(number) if collection.startswith(f"{self.base}_") and number.isdecimal() else None


def create(client: WeaviateClient, names: Names, generation: int) -> None:
    """Make the empty collections of a generation; one that is there already stays."""
    about = json.dumps({"embedder": names.embedder, "dimension": names.dimension})
    for kind, properties in PROPERTIES.items():
        name = names.collection(kind, generation)
        if client.collections.exists(name):
            continue
        client.collections.create(
            name,
            description=about,
            properties=[make(name) for name, make in properties.items()],
            inverted_index_config=Configure.inverted_index(bm25_k1=K1, bm25_b=B),
            vector_config=Configure.Vectors.self_provided(
                vector_index_config=Configure.VectorIndex.hnsw(distance_metric=VectorDistances.COSINE)
            ),
            sharding_config=None if names.layout.tenants else WHOLE,
            replication_config=Configure.replication(factor=names.layout.replicas),
            multi_tenancy_config=Configure.multi_tenancy(
                enabled=names.layout.tenants, auto_tenant_creation=names.layout.tenants
            ),
        )


def about(client: WeaviateClient, collection: str) -> tuple[str, int]:
    """The embedder of a collection and how many numbers it gives."""
    stored = json.loads(client.collections.use(collection).config.get(simple=True).description or "{}")
    return stored.get("embedder", "?"), stored.get("dimension", 0)


class Collections:
    """One embedder's index: what is in use, and what this process writes to.

    With `anew` it writes to a generation of its own, beside the one in use, until `publish`.
    """

    def __init__(self, server: Server, names: Names, *, anew: bool) -> None:
        self._connection = Connection(server)
        self._names = names
        self._anew = anew
        self._generation: int | None = None  # of what this process writes to
        self._is_whole = False  # whether all of it is known to be there

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[WeaviateClient]:
        """A client to read with. Raises ConfigurationError where our index is missing: it says what is there instead.

        RemoteError where Weaviate fails.
        """
        try:
            with our_errors():
                yield self._connection.client()
        except NoSuchCollection:
            raise ConfigurationError(self._missing()) from None

    @contextmanager
    def writing(self) -> Iterator[WeaviateClient]:
        """A client to write with; missing collections are made. The very first index is in use at once."""
        with our_errors():
            client = self._connection.client()
            if not self._is_whole:
                self._make_whole(client)
            yield client

    def _make_whole(self, client: WeaviateClient) -> None:
        """Make what is missing, of an index that was never begun or whose beginning was interrupted."""
        if not self.exist(client):
            self._generation = (self._live(client) or 0) + 1
        assert self._generation is not None  # noqa: S101 - see above
        create(client, self._names, self._generation)
        if not self._in_use(client):
            self._point(client, self._generation)
        self._is_whole = True

    def exist(self, client: WeaviateClient) -> bool:
        """Whether there is something to write to; from now on it is also what is read here."""
        if self._generation is None:
            live = self._live(client)
            there = {self._names.generation(name) or 0 for name in client.collections.list_all(simple=True)}
            newer = max((one for one in there if one > (live or 0)), default=None)
            self._generation = live if live is not None and not self._anew else newer
        return self._generation is not None

    def publish(self) -> None:
        """Let the aliases point to what this process has written, and drop the generations before.

        A later one is somebody's who has not come to the end with it, and goes on.
        """
        with self.writing() as client:
            if self._generation is not None and self._live(client) != self._generation:
                self._point(client, self._generation)
            for name in client.collections.list_all(simple=True):
                if 0 < (self._names.generation(name) or 0) < (self._generation or 0):
                    client.collections.delete(name)

    def unpublished(self) -> bool:
        """Whether the aliases point elsewhere, or nowhere, than to what this process writes to."""
        with our_errors():
            client = self._connection.client()
            return self.exist(client) and self._live(client) != self._generation

    def others(self) -> list[str]:
        """The collections under our prefix that are not of the index in use, or of the only one of this embedder."""
        with our_errors():
            client = self._connection.client()
            live = self._live(client) or (self._generation if self.exist(client) else None)
            ours = {self._names.collection(kind, live or 0) for kind in Kind}
            known = re.compile(rf"{self._names.layout.prefix}_[0-9a-f]{{12}}_\d+_({'|'.join(Kind)})")
            return sorted(n for n in client.collections.list_all(simple=True) if known.fullmatch(n) and n not in ours)

    def drop_others(self) -> list[str]:
        """Drop those, and the aliases that point to them. Raises ConfigurationError where ours is not in use."""
        with self.reading() as client:
            if self._live(client) is None:
                raise NoSuchCollection(self._names.alias(Kind.PASSAGE))
            others = self.others()
            for name, alias in client.alias.list_all().items():
                if alias.collection in others:
                    client.alias.delete(alias_name=name)
            for name in others:
                client.collections.delete(name)
        return others

    def name(self, kind: Kind) -> str:
        """What this process writes to, else the alias of what is in use."""
        if self._generation is not None:
            return self._names.collection(kind, self._generation)
        return self._names.alias(kind)

    def real_name(self, client: WeaviateClient, kind: Kind) -> str:
        """The same without an alias, which not every interface of Weaviate knows."""
        name = self.name(kind)
        alias = client.alias.get(alias_name=name) if self._generation is None else None
        if self._generation is None and alias is None:
            raise NoSuchCollection(name)
        return alias.collection if alias else name

    def at(self, client: WeaviateClient, kind: Kind, tenant: str) -> Collection[Any, Any]:
        """The collection as that tenant sees it."""
        layout = self._names.layout
        collection = client.collections.use(self.name(kind))
        collection = collection.with_consistency_level(ConsistencyLevel(layout.consistency.upper()))
        return collection.with_tenant(tenant) if layout.tenants else collection

    def everywhere(self, client: WeaviateClient, kind: Kind) -> Iterator[Collection[Any, Any]]:
        """The collection, or each of its tenants."""
        tenants = client.collections.use(self.name(kind)).tenants.get() if self._names.layout.tenants else [""]
        for tenant in sorted(tenants):
            yield self.at(client, kind, tenant)

    def tenants(self, within: Within) -> list[str]:
        """Where a search looks."""
        if not self._names.layout.tenants:
            return [""]
        return list(map(tenant, dict.fromkeys(("", within.organisation))))

    def add_tenant(self, client: WeaviateClient, organisation: str) -> str:
        """The tenant of an organisation; made if it is missing, because a search in none is refused."""
        name = tenant(organisation)
        if self._names.layout.tenants:
            for kind in Kind:
                client.collections.use(self.name(kind)).tenants.create([name])
        return name

    def drop_tenant(self, client: WeaviateClient, organisation: str) -> bool:
        """Drop an organisation's tenant, if organisations have theirs."""
        if self._names.layout.tenants:
            for kind in Kind:
                client.collections.use(self.name(kind)).tenants.remove([tenant(organisation)])
        return self._names.layout.tenants

    def _live(self, client: WeaviateClient) -> int | None:
        """The generation in use; an alias may outlive what it points to."""
        alias = client.alias.get(alias_name=self._names.alias(Kind.PASSAGE))
        return (
            self._names.generation(alias.collection) if alias and client.collections.exists(alias.collection) else None
        )

    def _in_use(self, client: WeaviateClient) -> list[str]:
        """Our aliases, of other embedders too."""
        there, ours = client.collections.list_all(simple=True), f"{self._names.layout.prefix}_"
        aliases = client.alias.list_all().items()
        return sorted(name for name, alias in aliases if name.startswith(ours) and alias.collection in there)

    def _point(self, client: WeaviateClient, generation: int) -> None:
        for kind in Kind:
            alias, target = self._names.alias(kind), self._names.collection(kind, generation)
            if not client.alias.update(alias_name=alias, new_target_collection=target):
                client.alias.create(alias_name=alias, target_collection=target)

    def _missing(self) -> str:
        with our_errors():
            client = self._connection.client()
            others = [about(client, name) for name in self._in_use(client) if name.endswith(Kind.PASSAGE)]
        if not others:
            return "there is no index yet: run greffier index"
        found = ", ".join(f"{embedder} ({dimension})" for embedder, dimension in others)
        return (
            f"[embeddings] names the model {self._names.embedder} ({self._names.dimension}), but the index was made"
            f" with {found} or by another version of Greffier: run greffier index, or set [embeddings] back"
        )


def tenant(organisation: str) -> str:
    """The tenant of an organisation, whose name may have any letters; that of everybody's documents for none."""
    return f"org-{hashlib.sha256(organisation.encode()).hexdigest()[:32]}" if organisation else "shared"
