"""A streamed answer as one piece: nobody watches it grow.

The library makes an object of several layers of each event, and LangChain a message of each of those: for the two
hundred events of a draft that takes longer than all the rest that Greffier does for it. Here the events stay what they
are until the answer is whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import openai


class JoinedCompletions:
    """What LangChain calls to have an answer streamed, in place of the library's own `chat.completions`."""

    def __init__(self, client: openai.OpenAI) -> None:
        self._client = client

    @contextmanager
    def create(self, *, extra_body: dict[str, Any] | None = None, **body: Any) -> Iterator[Iterator[dict[str, Any]]]:
        """The answer as a stream of one event. Raises the library's errors; others where the events are none."""
        events = self._client.post(
            "/chat/completions",
            body={**body, **(extra_body or {})},
            cast_to=object,
            stream=True,
            stream_cls=openai.Stream[object],  # of which the library makes nothing
        )
        with events:
            yield _joined(events)


def _joined(events: Iterable[Any]) -> Iterator[dict[str, Any]]:
    whole: dict[str, Any] = {}
    texts: list[str] = []
    end = None
    for event in events:
        whole |= {name: value for name, value in event.items() if value is not None}
        for choice in (event.get("choices") or ())[:1]:
            texts.append((choice["delta"] or {}).get("content") or "")
            end = choice.get("finish_reason") or end
    if texts:
        delta = {"role": "assistant", "content": "".join(texts)}
        yield whole | {"choices": [{"index": 0, "delta": delta, "finish_reason": end}]}
