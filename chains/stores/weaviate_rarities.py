"""How rare a stem is among the documents in Weaviate: asked for many stems at once, and remembered for a while.

To count those that hold a stem Weaviate reads them all. What a search for that stem alone gives its best document is
found at once, and is the stem's inverse document frequency times something a little below 1: near enough to weigh the
words of a question by.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from weaviate import WeaviateClient

from chains.stores.weaviate_server import NoSuchCollection, NoSuchTenant
from connector.errors import RemoteError

REMEMBERED = 600.0  # seconds


class Rare(dict[str, float]):
    """The rarity of each stem among so many `documents`."""

    def __init__(self, documents: int, rarities: Mapping[str, float]) -> None:
        super().__init__(rarities)
        self.documents = documents

    def holds(self, stem: str) -> bool:
        """Whether at least one of the documents holds the stem."""
        return self.count(stem) > 0.5

    def count(self, stem: str) -> float:
        """How many of the documents hold the stem, about."""
        return (self.documents + 1) / math.exp(self[stem]) - 0.5


class Rarities:
    """What was told, by tenant and stem. Safe between threads: at worst something is asked for twice."""

    def __init__(self) -> None:
        self._known: dict[str, Rare] = {}
        self._until = 0.0

    def of(self, stems: Sequence[str], tenant: str, ask: Callable[[Sequence[str]], Rare]) -> Rare:
        """The rarity of each stem among a tenant's documents; `ask` tells those that are not remembered."""
        now = time.monotonic()
        if now > self._until:
            self._known, self._until = {}, now + REMEMBERED
        known = self._known.setdefault(tenant, Rare(-1, {}))
        missing = [stem for stem in stems if stem not in known]
        if missing:
            told = ask(missing)
            known.update(told)
            known.documents = told.documents
        return Rare(known.documents, {stem: known[stem] for stem in stems})


def together(found: Iterable[Rare], stems: Sequence[str]) -> dict[str, float]:
    """How rare each of the stems is among the documents of several tenants."""
    tenants = list(found)
    documents = sum(there.documents for there in tenants)
    held = {stem: sum(there.count(stem) for there in tenants) for stem in stems}
    return {stem: math.log((documents + 1) / (held[stem] + 0.5)) for stem in stems}


def rarities(client: WeaviateClient, collection: str, stems: Sequence[str], tenant: str) -> Rare:
    """The rarity of each stem, in one call for all of them."""
    answer = client.graphql_raw_query(_query(collection, stems, tenant))
    if not answer.errors:
        documents = answer.aggregate[collection][0]["meta"]["count"]
        found = {stem: answer.get[f"n{number}"] for number, stem in enumerate(stems)}
        most = math.log(1 + (documents + 0.5) / 0.5)
        told = {stem: float(best[0]["_additional"]["score"]) if best else most for stem, best in found.items()}
        return Rare(documents, told)
    message = str(answer.errors)
    if "tenant" in message:
        raise NoSuchTenant(message)
    if "Cannot query field" in message or "does not exist in schema" in message:
        raise NoSuchCollection(message)
    raise RemoteError(f"[store] url: Weaviate failed: {message}"[:300], permanent=False)


def _query(collection: str, stems: Sequence[str], tenant: str) -> str:
    at = [f"tenant: {json.dumps(tenant)}"] if tenant else []
    asked = []
    for number, stem in enumerate(stems):
        search = f'bm25: {{query: {json.dumps(stem)}, properties: ["text_stems"]}}'
        asked.append(f"n{number}: {collection}({', '.join([*at, search])}, limit: 1) {{ _additional {{ score }} }}")
    every = f"Aggregate {{ {collection}{f'({at[0]})' if at else ''} {{ meta {{ count }} }} }}"
    return f"{{ {every} Get {{ {' '.join(asked)} }} }}"
