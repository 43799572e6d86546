"""Which tickets have changed: what webhooks lost, or all that there is where Zammad cannot call us.

A search by condition is answered from Zammad's database, at once and without Elasticsearch, to any agent's token (5.2,
seen running). Two of its limits are silent: `per_page` is clipped to 200, and `page` counts rows, so nothing but an
empty page is the end. Sorted by id, a ticket that changes meanwhile stays in its place.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

from connector.errors import RemoteError
from connector.rest import Rest
from connector.ticket import Touched
from connector.zammad.answers import TicketAnswer, read

log = logging.getLogger("greffier.zammad")

PER_PAGE = 200


def updated_since(rest: Rest, moment: datetime) -> Iterator[Touched]:
    """Each ticket that has changed since then, once, in the groups that the account may read.

    A ticket whose row cannot be read is left out and logged: it must not hide the others. Raises `RemoteError`.
    """
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
        rows = read(tuple[Any, ...], answer, source=f"{rest.name}: tickets/search")
        if not rows:
            return
        touched = {one for row in rows if (one := _touched(rest.name, row))}
        yield from sorted((one for one in touched if one.ticket not in seen), key=lambda one: one.at)
        seen |= {one.ticket for one in touched}


def _touched(name: str, row: Any) -> Touched | None:
    id = row.get("id") if isinstance(row, dict) else None
    what = f"ticket {id}" if isinstance(id, int) else "a ticket without an id"
    try:
        return read(TicketAnswer, row, source=f"{name}: tickets/search: {what}").touched()
    except RemoteError as error:
        log.warning("%s; it is left out of this search", error)
        return None


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
