"""The search for changed tickets against a scripted Zammad: rows that cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connector.errors import RemoteError
from connector.zammad.client import Zammad
from tests.connector.replay import Neighbour, Reply
from tests.connector.zammad.recordings import zammad

SEARCH = "/api/v1/tickets/search"
SINCE = datetime(2026, 11, 21, tzinfo=UTC)


def row(id: Any, **values: Any) -> dict[str, Any]:
    found = {"id": id, "title": "Mon secret", "group": "État civil", "state": "open", "customer_id": 6}
    return found | {"updated_at": "2026-11-21T22:37:42.402Z"} | values


def serve(server: Neighbour, *pages: list[Any]) -> Zammad:
    server.on("POST", SEARCH, *(Reply(page) for page in (*pages, [])))
    return zammad(server.url)


def found(helpdesk: Zammad) -> list[str]:
    return [touched.ticket for touched in helpdesk.updated_since(SINCE)]


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        (row(2, group=None), "ticket 2"),
        (row(2, updated_at="Mon secret"), "ticket 2"),
        ({"id": 2}, "ticket 2"),
        (row("Mon secret"), "a ticket without an id"),
        ("Mon secret", "a ticket without an id"),
        (None, "a ticket without an id"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_and_hides_no_other(
    server: Neighbour, caplog: pytest.LogCaptureFixture, broken: Any, name: str
) -> None:
    assert found(serve(server, [row(1), broken, row(3, updated_at="2026-11-22T00:00:00Z")])) == ["1", "3"]
    (line,) = [record.getMessage() for record in caplog.records if record.name == "greffier.zammad"]
    assert f"helpdesks.mairie: tickets/search: {name}: an unknown answer" in line
    assert "secret" not in line


def test_a_page_of_rows_that_cannot_be_read_is_not_the_last(server: Neighbour) -> None:
    assert found(serve(server, [row(1, group=None), row(2, group=None)], [row(3)])) == ["3"]
    assert [call.json["page"] for call in server.calls] == [1, 2, 3]


def test_an_answer_that_is_no_list_is_an_outage(server: Neighbour) -> None:
    server.on("POST", SEARCH, Reply({"tickets": [1]}))
    with pytest.raises(RemoteError, match="an unknown answer") as caught:
        found(zammad(server.url))
    assert not caught.value.permanent
