"""How many documents in Weaviate hold a stem: asked for many stems at once, and remembered for a while."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Sequence

from weaviate import WeaviateClient

from chains.stores.weaviate_server import NoSuchCollection, NoSuchTenant
from connector.errors import RemoteError

REMEMBERED = 600.0  # seconds
_ALL = ""  # no stem: every document


class Counts:
    """What was counted, by tenant and stem. Safe between threads: at worst something is counted twice."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], int] = {}
        self._until = 0.0

    def of(self, stems: Sequence[str], tenant: str, count: Callable[[Sequence[str]], list[int]]) -> list[int]:
        """How many documents a tenant has, and how many of them hold each of the stems; `count` tells it."""
        now = time.monotonic()
        if now > self._until:
            self._known, self._until = {}, now + REMEMBERED
        known = self._known
        missing = [stem for stem in stems if (tenant, stem) not in known]
        if missing or (tenant, _ALL) not in known:
            every, *held = count(missing)
            known[tenant, _ALL] = every
            known.update({(tenant, stem): number for stem, number in zip(missing, held, strict=True)})
        return [known[tenant, _ALL], *(known[tenant, stem] for stem in stems)]


def together(counted: Iterable[Sequence[int]], stems: int) -> list[int]:
    """The counts of several tenants as those of one."""
    return [sum(numbers) for numbers in zip([0] * (stems + 1), *counted, strict=True)]


def rarity(counted: Sequence[int]) -> list[float]:
    """The inverse document frequency of each stem, from how many documents there are and how many hold it."""
    documents, *holding = counted
    return [math.log(1 + (documents - held + 0.5) / (held + 0.5)) for held in holding]


def counts(client: WeaviateClient, collection: str, stems: Sequence[str], tenant: str) -> list[int]:
    """How many documents there are, and how many hold each of the stems: one call for all of them."""
    answer = client.graphql_raw_query(_query(collection, stems, tenant))
    if not answer.errors:
        return [answer.aggregate[f"n{number}"][0]["meta"]["count"] for number in range(len(stems) + 1)]
    message = str(answer.errors)
    if "tenant" in message:
        raise NoSuchTenant(message)
    if "Cannot query field" in message or "does not exist in schema" in message:
        raise NoSuchCollection(message)
    raise RemoteError(f"[store] url: Weaviate failed: {message}"[:300], permanent=False)


def _query(collection: str, stems: Sequence[str], tenant: str) -> str:
    at = [f"tenant: {json.dumps(tenant)}"] if tenant else []
    wheres = [f'where: {{path: ["text_stems"], operator: Equal, valueText: {json.dumps(stem)}}}' for stem in stems]
    asked = []
    for number, where in enumerate(["", *wheres]):
        given = ", ".join([*at, *filter(None, [where])])
        asked.append(f"n{number}: {collection}{f'({given})' if given else ''} {{ meta {{ count }} }}")
    return f"{{ Aggregate {{ {' '.join(asked)} }} }}"
