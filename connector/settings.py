"""What the settings classes of every area share: strictness, and secrets that may come from files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    HttpUrl,
    SecretStr,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema

from connector.ticket import Channel, Mode


def _http_url(text: str) -> str:
    if not text.lower().startswith(("https://", "http://")):
        raise ValueError("an address that begins with https:// or http:// is wanted")
    url = TypeAdapter(HttpUrl).validate_python(text)
    if url.username or url.password or url.query:
        raise ValueError("an address without a user, a password or a query is wanted: keys have settings of their own")
    return str(url).rstrip("/")


Url = Annotated[str, AfterValidator(_http_url), WithJsonSchema({"type": "string", "format": "uri"})]
"""An http(s) address, kept as text without its last slash."""


def plain(secret: SecretStr | None) -> str:
    """The text of a secret; empty if there is none."""
    return secret.get_secret_value() if secret else ""


class Section(BaseModel):
    """A group of settings: unknown keys are refused, values do not change once read.

    Each secret `x` may be given as `x_file`, the path of a file that holds it; the file's last line end is dropped.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        values = dict(values)
        for name in cls.secrets():
            path = values.pop(f"{name}_file", None)
            if path is None:
                continue
            if values.get(name) is not None:
                raise ValueError(f"give {name} or {name}_file, not both")
            try:
                values[name] = Path(path).read_text("utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError, TypeError, ValueError) as error:
                raise ValueError(f"{name}_file: cannot read {path}: {error}") from None
        return values

    @classmethod
    def secrets(cls) -> list[str]:
        """The names of the settings that are secret."""
        kinds = {name: field.annotation for name, field in cls.model_fields.items()}
        return [name for name, kind in kinds.items() if SecretStr in (kind, *getattr(kind, "__args__", ()))]

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The schema of what may be written, so with the file beside each secret."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        for name in cls.secrets():
            file = {"type": "string", "format": "path", "description": f"A file that holds `{name}`."}
            schema["properties"][f"{name}_file"] = file
            rule: dict[str, Any] = {"not": {"required": [name, f"{name}_file"]}}
            if name in schema.get("required", ()):
                schema["required"].remove(name)
                rule = {"oneOf": [{"required": [name]}, {"required": [f"{name}_file"]}]}
            schema.setdefault("allOf", []).append(rule)
        return schema


class HelpdeskSettings(Section):
    """What every kind of helpdesk is configured with."""

    kind: str
    """Which helpdesk this is."""
    groups: dict[str, Mode] = Field(default_factory=dict)
    """Covered groups by their full name, each with `draft` or `off`. A group that is not listed is not covered."""
    intake: Literal["webhook", "poll"] = "webhook"
    """How new messages reach us: `webhook`, or `poll` where the helpdesk cannot call us."""
    poll_every: float = Field(default=10, ge=1, le=3600)
    """Seconds between two looks where `intake` is `poll`. With webhooks, a sweep looks every minute for lost ones."""
    channels: frozenset[Channel] = frozenset({Channel.EMAIL, Channel.WEB})
    """Ways by which a message may come to get a draft: `email`, `web`, `phone` (typed by an agent), `chat`, `sms`,
    `social`, `other`."""
    start: AwareDatetime | None = None
    """Messages written before this moment are left alone. By default the moment of Greffier's first start."""

    def mode(self, group: str) -> Mode | None:
        """What is done in that group; None if it is not covered."""
        return self.groups.get(group)
