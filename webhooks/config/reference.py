"""`docs/configuration.md`, made from the settings' docstrings: `make docs`.

python -m webhooks.config.reference docs/configuration.md
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connector.registry import HELPDESKS
from webhooks.config.schema import schema
from webhooks.config.sources import PREFIX

HEAD = """\
# Configuration

<!-- Made by `make docs` from the docstrings of the settings: edit those. -->

Greffier reads one file, `greffier.toml` where it is started, or the one that `--config` or `GREFFIER_CONFIG` names.
`greffier config init` writes one to start from. Over the file comes the environment: each setting has its variable.

- **Strict.** A wrong, missing or unknown setting or variable stops the program with its full name and what is allowed.
- **Secrets.** Where two names stand, `token` and `token_file`, give one of them. A file is the better way: its text
  counts without the last line end. `greffier config show` and `greffier check` tell only `set` or `missing`.
- **Lists and tables** are written in a variable as JSON: `["email", "web"]`, `{"Urbanisme": "draft"}`.
- **Addresses** hold no user, password or key.
- Settings are read when a program starts: start it again after a change.

`greffier config show` prints what is in force and what gave it, `greffier config schema` the JSON Schema of the file.
"""
TOP = "At the top of the file, before any section. Either `database_url` or `data` must be given."
HELPDESK = (
    "NAME is a name of your own: lower-case letters and digits, the last part of the webhook's address. There may be "
    "several sections, of one kind too. In variables NAME is in capitals."
)
SOURCE = (
    "NAME is a name of your own: lower-case letters, digits and dashes; profiles choose sources by it. There may be "
    "several of one kind. In variables NAME is in capitals; all of them together are JSON in `GREFFIER_SOURCES`."
)
LIST = " In the environment all of them are one list of tables in `{}`, as JSON, in place of those of the file."
COLUMNS = ("setting", "value", "default", "variable", "meaning")
_KINDS = {
    ("string", "password"): "text, secret",
    ("string", "uri"): "http(s) address",
    ("string", "path"): "path",
    ("string", "date-time"): "moment, as `2026-01-31T08:00:00+01:00`",
    ("string", None): "text",
    ("boolean", None): "`true` or `false`",
    ("integer", None): "whole number",
    ("number", None): "number",
}


class Reference:
    """The page, from the schema of the file."""

    def __init__(self, whole: dict[str, Any]) -> None:
        self._whole = whole

    def page(self) -> str:
        """The text of the page."""
        return "\n".join([HEAD, *self._sections()])

    def _sections(self) -> Iterator[str]:
        top = {name: one for name, one in self._whole["properties"].items() if not self._is_section(name, one)}
        yield self._section("The database", TOP, self._whole | {"properties": top}, PREFIX)
        for kind, entry in HELPDESKS.items():
            section = self._whole["$defs"][entry.settings.__name__]
            heading, variables = f'`[helpdesks.NAME]`, `kind = "{kind}"`', f"{PREFIX}HELPDESKS__NAME__"
            yield self._section(heading, f"{_line(section)} {HELPDESK}", section, variables)
        for name, one in self._whole["properties"].items():
            if name == "sources":
                section = self._resolved(one["additionalProperties"])
                told = _line(section).removeprefix("`[sources.NAME]`: ")
                variables = f"{PREFIX}SOURCES__NAME__"
                yield self._section("`[sources.NAME]`", f"{told[:1].upper()}{told[1:]} {SOURCE}", section, variables)
            elif name not in top and name != "helpdesks":
                section, repeated = self._resolved(one.get("items", one)), "items" in one
                heading = f"`[[{name}]]`" if repeated else f"`[{name}]`"
                told = _line(section).removeprefix(f"{heading}: ")
                told = told[:1].upper() + told[1:] + (LIST.format(f"{PREFIX}{name.upper()}") if repeated else "")
                yield self._section(heading, told, section, "" if repeated else f"{PREFIX}{name.upper()}__")

    def _is_section(self, name: str, one: dict[str, Any]) -> bool:
        return name in ("helpdesks", "sources") or "properties" in self._resolved(one.get("items", one))

    def _section(self, heading: str, told: str, section: dict[str, Any], variables: str) -> str:
        """`variables` is how their variables begin; empty where there are none for one setting alone."""
        rows = [COLUMNS, ("---",) * len(COLUMNS), *self._rows(section, variables)]
        return f"## {heading}\n\n{told}\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)

    def _rows(self, section: dict[str, Any], variables: str) -> Iterator[tuple[str, ...]]:
        of = section["properties"]
        needed = {*section.get("required", ()), *_needed_secrets(section)}
        for name, one in of.items():
            if name.removesuffix("_file") in of and name.endswith("_file"):
                continue
            setting = f"`{name}`, `{name}_file`" if f"{name}_file" in of else f"`{name}`"
            default = "must be given" if name in needed else _default(one)
            variable = f"`{variables}{name.upper()}`" if variables else "-"
            yield setting, self._kind(one), default, variable, _line(one).replace("|", "\\|")

    def _kind(self, one: dict[str, Any]) -> str:
        one = self._resolved(one)
        if "const" in one or "enum" in one:
            *first, last = (f"`{value}`" for value in one.get("enum", [one.get("const")]))
            return f"{', '.join(first)} or {last}" if first else last
        if one["type"] == "array":
            return f"list of {self._kind(one['items'])}"
        if one["type"] == "object":
            return f"table: name = {self._kind(one['additionalProperties'])}"
        return _KINDS[one["type"], one.get("format")] + _limits(one)

    def _resolved(self, one: dict[str, Any]) -> dict[str, Any]:
        reference = one.get("$ref")
        return self._whole["$defs"][reference.rpartition("/")[2]] if reference else one


def _needed_secrets(section: dict[str, Any]) -> set[str]:
    rules = [rule["oneOf"] for rule in section.get("allOf", ()) if "oneOf" in rule]
    return {rule[0]["required"][0] for rule in rules if {"required": ["data"]} not in rule}


def _default(one: dict[str, Any]) -> str:
    if one.get("type") == "object":
        return "empty"
    if "default" not in one:
        return "none"
    value = one["default"]
    return f"`{value:g}`" if isinstance(value, float) else f"`{json.dumps(value, ensure_ascii=False)}`"


def _limits(one: dict[str, Any]) -> str:
    if "minimum" in one and "maximum" in one:
        return f", {one['minimum']} to {one['maximum']}"
    texts = {"minimum": "at least", "exclusiveMinimum": "over", "maximum": "at most"}
    return "".join(f", {text} {one[key]}" for key, text in texts.items() if key in one)


def _line(one: dict[str, Any]) -> str:
    return " ".join(one.get("description", "").split())


def page() -> str:
    """The text of `docs/configuration.md`."""
    return Reference(schema()).page()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), "utf-8")
