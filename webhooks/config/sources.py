"""Where settings come from: one TOML file and the environment over it. What they mean is `webhooks.settings`.

`[chat] model = "x"` in the file is `GREFFIER_CHAT__MODEL=x` in the environment: `GREFFIER_`, the section, two
underscores, the key. Lists and tables are written there as JSON, lists of tables (`[[profile]]`) too.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from connector.errors import ConfigurationError

DEFAULT_PATH = Path("greffier.toml")
PREFIX = "GREFFIER_"
PATH_VARIABLE = "GREFFIER_CONFIG"
DATABASE = ("database_url", "database_url_file", "data")  # the ways to give one
FILL_IN = "FILL IN"  # how a placeholder of `greffier config init` begins

Where = tuple[str, ...]
"""The path of a setting: ("chat", "model")."""


class Sources:
    """What the file and the environment give."""

    def __init__(self, path: Path | None, environ: Mapping[str, str]) -> None:
        """Without `path` the file is the one that `GREFFIER_CONFIG` names, or `greffier.toml` here if there is one.

        Raises ConfigurationError if it cannot be read.
        """
        self.file = file_path(path, environ)
        named = path or environ.get(PATH_VARIABLE)
        self._values = _read(self.file) if named or self.file.exists() else {}
        self._variables = dict(_variables(environ))

    def merged(self) -> dict[str, Any]:
        """The file's values with the variables' over them."""
        values = dict(self._values)
        for where, (_, text) in self._variables.items():
            if isinstance(values.get(where[0]), list) and len(where) > 1:
                variable, whole = self._variables[where][0], f"{PREFIX}{where[0].upper()}"
                raise ConfigurationError(f"{variable}: {where[0]} is a list: give all of it in {whole}")
            _put(values, where, text)
        return values

    def origin(self, where: Where) -> str:
        """What gave that setting its value: a file, variables, or `default`."""
        found = dict.fromkeys(_leaves(self._values), str(self.file))
        for variable, (name, text) in self._variables.items():
            replaced = [(*variable[:-1], way) for way in _ways(variable)]
            found = {leaf: source for leaf, source in found.items() if not any(_within(leaf, at) for at in replaced)}
            found |= dict.fromkeys(_leaves(_value(text), variable), name)
        ways = [where] if where == ("data",) else [(*where[:-1], way) for way in _ways(where)]
        names = {source for leaf, source in found.items() if any(_within(leaf, way) for way in ways)}
        return ", ".join(sorted(names)) or "default"

    def complaint(self, where: Where, message: str) -> str:
        """A line on a wrong setting: the variable if one gave it or a part of it, else the file; then its full name."""
        for path, (name, _) in self._variables.items():
            shared = min(len(path), len(where))
            if shared and path[:shared] == where[:shared]:
                return f"{name}: {'.'.join(where)}: {message}"
        return ": ".join(filter(None, [str(self.file), ".".join(where), message]))


def file_path(path: Path | None, environ: Mapping[str, str]) -> Path:
    """The settings' file, whether it exists or not."""
    return path or Path(environ.get(PATH_VARIABLE) or DEFAULT_PATH)


def placeholders(values: object, where: Where = ()) -> Iterator[tuple[Where, str]]:
    """What `greffier config init` has left to be filled in: the path of the setting and what is wanted."""
    if isinstance(values, dict):
        for name, inner in values.items():
            yield from placeholders(name, where)
            yield from placeholders(inner, (*where, name))
    elif isinstance(values, str) and values.startswith(FILL_IN):
        yield where, values.removeprefix(FILL_IN).lstrip(": ")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: not a TOML file: {error}") from None


def _variables(environ: Mapping[str, str]) -> Iterator[tuple[Where, tuple[str, str]]]:
    """(path of the setting, (name of the variable, its text)) of each of our variables, the shorter paths first."""
    names = [name for name in environ if name.startswith(PREFIX) and name != PATH_VARIABLE]
    for name in sorted(names, key=lambda name: (name.count("__"), name)):
        yield tuple(name.removeprefix(PREFIX).lower().split("__")), (name, environ[name])


def _put(values: dict[str, Any], where: Where, text: str) -> None:
    """Set the value at that path. What is given one way takes the place of the same given another way."""
    for part in where[:-1]:
        inner = values.get(part, {})
        if not isinstance(inner, dict):  # left as it is, to be complained of
            return
        values[part] = dict(inner)
        values = values[part]
    for way in _ways(where):
        values.pop(way, None)
    values[where[-1]] = _value(text)


def _ways(where: Where) -> tuple[str, ...]:
    """The names under which the same may be given: a secret itself, or its file."""
    if len(where) == 1 and where[0] in DATABASE:
        return DATABASE
    return (where[-1].removesuffix("_file"), f"{where[-1].removesuffix('_file')}_file")


def _value(text: str) -> Any:
    if text[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _leaves(value: object, where: Where = ()) -> Iterator[Where]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, (*where, name))
    elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        for number, inner in enumerate(value, 1):
            yield from _leaves(inner, (*where, str(number)))
    else:
        yield where


def _within(leaf: Where, where: Where) -> bool:
    return leaf[: len(where)] == where
