"""What the connector's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connector.replay import Neighbour, neighbour

pytest.register_assert_rewrite("tests.connector.contract")


@pytest.fixture
def server() -> Iterator[Neighbour]:
    """A neighbour that answers from a script."""
    with neighbour() as server:
        yield server
