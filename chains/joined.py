"""A streamed answer as one piece: nobody watches it grow.

The library makes an object of several layers of each event, and LangChain a message of each of those: for the two
hundred events of a draft that takes longer than all the rest that Greffier does for it. Here the events stay what they
are until the answer is whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import openai


class JoinedCompletions:
    """What LangChain calls to have an answer streamed, in place of the library's own `chat.completions`."""

    def __init__(self, client: openai.OpenAI) -> None:
        self._completions = client.chat.completions.with_streaming_response

    @contextmanager
    def create(self, **body: Any) -> Iterator[Iterator[dict[str, Any]]]:
        """The answer as a stream of one event. Raises the library's errors, and others where the events are none."""
        with self._completions.create(**body) as answer:
            yield _joined(_events(answer.http_response))


def _joined(events: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    texts: list[str] = []
    whole: dict[str, Any] = {}
    end = usage = None
    for event in events:
        usage = event.get("usage") or usage
        for choice in (event.get("choices") or ())[:1]:
            whole = event
            texts.append((choice["delta"] or {}).get("content") or "")
            end = choice.get("finish_reason") or end
    if texts:
        delta = {"role": "assistant", "content": "".join(texts)}
        yield {**whole, "choices": [{"index": 0, "delta": delta, "finish_reason": end}], "usage": usage}


def _events(response: httpx2.Response) -> Iterator[dict[str, Any]]:
    """Until the server says that it is done: what comes after that is not waited for."""
    try:
        for line in _lines(response.iter_bytes()):
            data = line.removeprefix(b"data:").strip()
            if data == b"[DONE]":
                return
            if data != line.strip() and data:  # the rest are comments, and names of events
                yield _event(data, response.request)
    except httpx2.TimeoutException as error:
        raise openai.APITimeoutError(response.request) from error
    except httpx2.TransportError as error:
        raise openai.APIConnectionError(request=response.request) from error


def _event(data: bytes, request: httpx2.Request) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(data)
    if event.get("error"):
        raise openai.APIError("an error within a stream", request, body=None)
    return event


def _lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        yield from lines
    yield rest
