"""The settings as a whole: how they are read, and what is said of wrong ones. The only reader of `os.environ`.

The sections stand in `webhooks.config` and, those of a helpdesk, in its connector;
`docs/configuration.md` is made from their docstrings. (pydantic-settings would pass over a misspelt variable; here it
stops the program.)
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import AfterValidator, BaseModel, Field, SecretStr, SerializeAsAny, ValidationError, model_validator

from connector.errors import ConfigurationError
from connector.registry import HELPDESKS
from connector.settings import HelpdeskSettings, Section
from webhooks.config.corpora import SourceName, SourceSettings, without_helpdesk
from webhooks.config.drafting import (
    ChatSettings,
    EmbeddingsSettings,
    IndexSettings,
    NoteSettings,
    ReplySettings,
    RerankSettings,
    RetrievalSettings,
    StoreSettings,
)
from webhooks.config.processes import LogSettings, WebSettings, WorkerSettings
from webhooks.config.profile import ProfileSettings, disagreements
from webhooks.config.sources import DATABASE, Sources, file_path, placeholders

ADMIN_TOKEN_VARIABLE = "ZAMMAD_ADMIN_TOKEN"  # noqa: S105 - a name; it is for `greffier setup` alone, and no setting
HELPDESK_NAME = "[a-z][a-z0-9]*"
_M = TypeVar("_M", bound=BaseModel)


def _is_postgresql(url: SecretStr) -> SecretStr:
    from psycopg import ProgrammingError, conninfo

    text = url.get_secret_value()
    if not text.startswith("postgresql://"):
        raise ValueError("an address that begins with postgresql:// is wanted")
    try:
        conninfo.conninfo_to_dict(text)
    except ProgrammingError:  # its message repeats a part of the password
        raise ValueError("not a valid address; a % in its password is written %25") from None
    return url


def _takes_a_socket(folder: Path) -> Path:
    from webhooks.running import postgres

    folder = folder.absolute()
    if "," in str(folder):
        raise ValueError(f"{folder}: a path without a comma is wanted, PostgreSQL would take it for two")
    longest = postgres.LONGEST_SOCKET - len(f"/{postgres.data_folder(Path())}/{postgres.SOCKET}")
    if len(os.fsencode(folder)) > longest:
        raise ValueError(f"{folder} is longer than {longest} bytes: the address of a socket in it would be too long")
    return folder


class Settings(Section):
    """The whole configuration."""

    database_url: Annotated[SecretStr, AfterValidator(_is_postgresql)]
    """PostgreSQL with pgvector, as `postgresql://user:password@host/database`; not needed where `data` is set."""
    data: Annotated[Path, AfterValidator(_takes_a_socket)] | None = None
    """The folder of the PostgreSQL that `greffier run` keeps itself, in place of `database_url`."""
    helpdesks: dict[str, SerializeAsAny[HelpdeskSettings]] = Field(default_factory=dict)
    """The helpdesks by a name of your own: lower-case letters and digits, the last part of the webhook's address."""
    chat: ChatSettings
    embeddings: EmbeddingsSettings = EmbeddingsSettings()
    store: StoreSettings = StoreSettings()
    sources: dict[SourceName, SourceSettings] = Field(default_factory=dict)
    """What drafts are made from, by names of your own: lower-case letters, digits and dashes."""
    retrieval: RetrievalSettings = RetrievalSettings()
    rerank: RerankSettings = RerankSettings()
    index: IndexSettings = IndexSettings()
    note: NoteSettings = NoteSettings()
    reply: ReplySettings = ReplySettings()
    profile: tuple[ProfileSettings, ...] = ()
    """What applies to some groups in place of `[retrieval]`, `[note]` and `[reply]`, and what is searched for them."""
    web: WebSettings = WebSettings()
    worker: WorkerSettings = WorkerSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="before")
    @classmethod
    def _find_own_database(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not isinstance(values.get("data"), str | Path):
            return values
        for name in DATABASE[:-1]:
            if values.get(name) is not None:
                raise ValueError(f"give {name} or data, not both")
        from webhooks.running import postgres

        return {**values, "database_url": postgres.address(Path(values["data"]))}


class _Problems(Exception):
    """What is wrong with the values, each with the path of its setting."""

    def __init__(self, problems: list[tuple[tuple[str, ...], str]]) -> None:
        super().__init__(problems)
        self.problems = problems


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the file and the environment.

    Without `path` the file is the one that `GREFFIER_CONFIG` names, or `greffier.toml` here if there is one.
    Raises ConfigurationError that lists each wrong setting by file or variable, full name and what is allowed.
    """
    return load_with_sources(path, environ)[0]


def load_with_sources(path: Path | None, environ: Mapping[str, str] = os.environ) -> tuple[Settings, Sources]:
    """The settings, as `load` gives them, and what tells where each came from."""
    sources = Sources(path, environ)
    values = sources.merged()
    problems = [(where, f"still to be filled in: {wanted}") for where, wanted in placeholders(values)]
    unfilled = {where for where, _ in problems}
    try:
        settings = _validate(values)
    except _Problems as error:
        problems += [(where, message) for where, message in error.problems if where not in unfilled]
    if problems:
        lines = [sources.complaint(where, message) for where, message in problems]
        if not sources.file.exists():
            lines.insert(
                0, f"there is no {sources.file}: make one with `greffier config init`, or name yours: --config"
            )
        raise ConfigurationError("\n".join(lines))
    return settings, sources


def config_path(path: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """The file that `load` reads, whether it exists or not."""
    return file_path(path, environ)


def admin_token(environ: Mapping[str, str] = os.environ) -> str:
    """The admin's token of the environment, empty if there is none."""
    return environ.get(ADMIN_TOKEN_VARIABLE, "").strip()


def _validate(values: dict[str, Any]) -> Settings:
    problems: list[tuple[tuple[str, ...], str]] = []
    given = values.get("helpdesks", {})
    helpdesks = {}
    for name, section in given.items() if isinstance(given, dict) else ():
        try:
            helpdesks[name] = _helpdesk(name, section)
        except _Problems as error:
            problems += [(("helpdesks", name, *where), message) for where, message in error.problems]
    try:
        settings = _model(Settings, {**values, "helpdesks": helpdesks if isinstance(given, dict) else given})
        if not problems:  # else they would be said to be for helpdesks that do not exist
            problems += without_helpdesk(settings.sources, settings.helpdesks)
            problems += disagreements(settings.profile, settings.helpdesks)
    except _Problems as error:
        problems += error.problems
    if problems:
        raise _Problems(problems)
    return settings


def _helpdesk(name: str, section: Any) -> HelpdeskSettings:
    if not re.fullmatch(HELPDESK_NAME, name):
        raise _Problems([((), "a helpdesk's name is made of lower-case letters and digits")])
    if not isinstance(section, dict):
        raise _Problems([((), "a table of settings is wanted")])
    kind = section.get("kind")
    if not isinstance(kind, str) or kind not in HELPDESKS:
        raise _Problems([(("kind",), f"{kind!r} is not one of: {', '.join(HELPDESKS)}")])
    return _model(HELPDESKS[kind].settings, section)


def _model(model: type[_M], values: dict[str, Any]) -> _M:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = []
        for detail in error.errors(include_url=False, include_context=False):
            # a profile is named by its place in the file, where people count from one
            named = (part + 1 if isinstance(part, int) else part for part in detail["loc"] if part != "[key]")
            where = tuple(map(str, named))
            problems.append((where, _message(model, where, detail["type"], detail["msg"])))
        raise _Problems(problems) from None


def _message(model: type[BaseModel], where: tuple[str, ...], kind: str, message: str) -> str:
    if kind == "missing":
        return "is missing; or give data instead" if where == ("database_url",) else "is missing"
    if kind == "extra_forbidden":
        return f"unknown setting; known here: {', '.join(_known(model, where[:-1]))}"
    if kind == "frozen_set_type":
        return 'a list is wanted, such as ["email", "web"]'
    if kind == "too_short" and message.startswith("Frozenset"):
        return "at least one is wanted; leave it out for all"
    if kind in ("too_long", "too_short"):  # of a secret, whose characters pydantic calls items
        return message.replace("item", "character").replace(" after validation", "")
    return message.removeprefix("Value error, ")


def _known(model: Any, where: tuple[str, ...]) -> list[str]:
    """The names allowed in the section at that path, secrets' `_file` twins included."""
    for part in where:
        if get_origin(model) is dict:
            model = get_args(model)[1]
        else:
            model = get_args(model)[0] if part.isdecimal() else model.model_fields[part].annotation
    secrets = model.secrets()
    return [way for name in model.model_fields for way in ([name, f"{name}_file"] if name in secrets else [name])]
