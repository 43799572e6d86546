"""What was recorded on a running Zammad 5.2, and the comparison of shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.conftest import FIXTURES

FOLDER = FIXTURES / "zammad-5.2"


def load(name: str) -> dict[str, Any]:
    """A recording by its name."""
    recording: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return recording


def names(pattern: str) -> list[str]:
    """The recordings whose names match."""
    return sorted(path.stem for path in FOLDER.glob(f"{pattern}.json"))


def _paths(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value and all(key.isdigit() for key in value):
        value = list(value.values())  # objects by their ids, which are others here
    yield path, "null" if value is None else type(value).__name__
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, f"{path}.each")


def differences(recorded: Any, ours: Any, root: str) -> set[str]:
    """The paths that only one of the two has, or that differ in type. What is in an empty list, nobody knows."""
    theirs, mine = set(_paths(recorded, root)), set(_paths(ours, root))
    shared = {path for path, _ in theirs} & {path for path, _ in mine}
    unknown = tuple(f"{path}.each" for path in shared if not _elements(theirs, path) or not _elements(mine, path))
    return {path for path, _ in theirs ^ mine if not path.startswith(unknown)}


def _elements(paths: set[tuple[str, str]], path: str) -> bool:
    return any(other == f"{path}.each" for other, _ in paths)
