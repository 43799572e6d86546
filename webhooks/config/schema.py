"""The JSON Schema of greffier.toml, as editors use it: every kind of helpdesk, and the file beside each secret."""

from __future__ import annotations

from typing import Any

from connector.registry import HELPDESKS
from webhooks.config.corpora import SOURCE_NAME
from webhooks.settings import HELPDESK_NAME, Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """What may be written in the file. What one setting wants of another is told by `greffier check` alone."""
    whole = Settings.model_json_schema()
    definitions = whole["$defs"]
    del definitions["HelpdeskSettings"]  # what all kinds have is in each of them
    kinds = {}
    for kind, entry in HELPDESKS.items():
        one = entry.settings.model_json_schema()
        definitions |= one.pop("$defs", {})
        definitions[entry.settings.__name__] = one
        kinds[kind] = f"#/$defs/{entry.settings.__name__}"
    helpdesks = whole["properties"]["helpdesks"]
    helpdesks["propertyNames"] = {"pattern": f"^{HELPDESK_NAME}$"}
    helpdesks["additionalProperties"] = {
        "oneOf": [{"$ref": reference} for reference in kinds.values()],
        "discriminator": {"propertyName": "kind", "mapping": kinds},
    }
    whole["properties"]["sources"]["propertyNames"] = {"pattern": f"^{SOURCE_NAME}$"}
    whole["allOf"] = [_database(way) for way in whole["allOf"]]
    return {"$schema": DIALECT, "title": "greffier.toml", **_as_toml(whole)}


def _database(rule: dict[str, Any]) -> dict[str, Any]:
    """The rule of how the database is given has a third way."""
    if {"required": ["database_url"]} not in rule.get("oneOf", ()):
        return rule
    return {"oneOf": [*rule["oneOf"], {"required": ["data"]}]}


def _as_toml(part: Any) -> Any:
    """Without what TOML has not (null) and what says nothing (titles); defaults of sets in one order."""
    if isinstance(part, list):
        return [_as_toml(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    part = {name: _as_toml(inner) for name, inner in part.items() if name != "title" or isinstance(inner, dict)}
    if {"type": "null"} in part.get("anyOf", ()):
        (kind,) = (kind for kind in part.pop("anyOf") if kind != {"type": "null"})
        del part["default"]
        part = {**kind, **part}
    if part.get("uniqueItems") and "default" in part:
        part["default"] = sorted(part["default"])
    return part
