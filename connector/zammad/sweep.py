"""Which tickets have changed: what webhooks lost, or all that there is where Zammad cannot call us.

A search by condition is answered from Zammad's database, at once and without Elasticsearch, to any agent's token (5.2,
seen running). Two of its limits are silent: `per_page` is clipped to 200, and `page` counts rows, so nothing but an
empty page is the end. Sorted by id, a ticket that changes meanwhile stays in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

from connector.rest import Rest
from connector.ticket import Touched
from connector.zammad.answers import TicketAnswer, read

PER_PAGE = 200


def updated_since(rest: Rest, moment: datetime) -> Iterator[Touched]:
    """Each ticket that has changed since then, once, in the groups that the account may read."""
    condition = {"ticket.updated_at": {"operator": "after (absolute)", "value": _stamp(moment)}}
    seen: set[str] = set()
    for page in count(1):
        query = {
            "condition": condition,
            "sort_by": "id",
            "order_by": "asc",
            "page": page,
            "per_page": PER_PAGE,
            "expand": True,
        }
        answer = rest.post("tickets/search", query).json
        tickets = read(tuple[TicketAnswer, ...], answer, source=f"{rest.name}: tickets/search")
        if not tickets:
            return
        touched = {ticket.touched() for ticket in tickets}
        yield from sorted((one for one in touched if one.ticket not in seen), key=lambda one: one.at)
        seen |= {one.ticket for one in touched}


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
