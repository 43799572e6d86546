"""What the settings classes of every area share: strictness, and secrets that may come from files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    TypeAdapter,
    model_validator,
)

from connector.ticket import Channel, Mode


def _http_url(text: str) -> str:
    url = TypeAdapter(HttpUrl).validate_python(text)
    if url.username or url.password or url.query:
        raise ValueError("an address without a user, a password or a query is wanted: keys have settings of their own")
    return str(url).rstrip("/")


Url = Annotated[str, AfterValidator(_http_url)]
"""An http(s) address, kept as text without its last slash."""


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
        for name, field in cls.model_fields.items():
            path = values.pop(f"{name}_file", None) if SecretStr in _types(field.annotation) else None
            if path is None:
                continue
            if values.get(name) is not None:
                raise ValueError(f"give {name} or {name}_file, not both")
            try:
                values[name] = Path(path).read_text("utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError, TypeError, ValueError) as error:
                raise ValueError(f"{name}_file: cannot read {path}: {error}") from None
        return values


def _types(annotation: Any) -> tuple[Any, ...]:
    return (annotation, *getattr(annotation, "__args__", ()))


class HelpdeskSettings(Section):
    """What every kind of helpdesk is configured with."""

    kind: str
    """Which helpdesk this is, a key of `connector.registry.HELPDESKS`."""
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

    def starts_at(self, first_start: datetime) -> datetime:
        """From when on messages are drafted."""
        return self.start or first_start
