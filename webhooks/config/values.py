"""The settings in force, one by one, as they may be shown."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import SecretStr

from connector.settings import Section
from webhooks.config.sources import Where


def values(section: Section, where: Where = ()) -> Iterator[tuple[Where, str]]:
    """The path of each setting and its value. Of a secret only `set` or `missing`."""
    secrets = section.secrets()
    for name in type(section).model_fields:
        value, full = getattr(section, name), (*where, name)
        if isinstance(value, Section):
            yield from values(value, full)
        elif isinstance(value, dict) and any(isinstance(inner, Section) for inner in value.values()):
            for key, inner in value.items():
                yield from values(inner, (*full, key))
        elif isinstance(value, tuple) and any(isinstance(inner, Section) for inner in value):
            for number, inner in enumerate(value, 1):
                yield from values(inner, (*full, str(number)))
        else:
            yield full, ("set" if value else "missing") if name in secrets else _plain(value)


def _plain(value: object) -> str:
    match value:
        case SecretStr():
            raise TypeError("a secret that its section does not know of")
        case None:
            return "not set"
        case dict():
            return ", ".join(f"{key} = {inner}" for key, inner in value.items()) or "none"
        case set() | frozenset() | list() | tuple():
            return ", ".join(sorted(map(str, value))) or "none"
        case bool():
            return str(value).lower()
        case _:
            return str(value)
