"""A reranker behind HTTP: a model that reads the question and a text together and says how well they go together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple

import httpx2
from langchain_core.runnables import RunnableConfig
from pydantic import AliasChoices, BaseModel, Field, TypeAdapter, ValidationError

from chains.corpora.document import searchable
from chains.draft import Passage
from chains.model import UnreadableAnswer, http_client
from chains.prompt import cut
from connector.errors import ConfigurationError, GreffierError, RemoteError

Shape = Literal["jina", "tei"]
MAX_BYTES = 4 * 2**20
"""The most that is read of an answer: vLLM sends the texts back."""
MAX_TEXT = 1500
"""In characters: what is sent of a passage, its titles included. Passages are cut at 1,000."""

PROOF = "Quels sont les horaires de la mairie ?"
BETTER = "La mairie est ouverte du lundi au vendredi, de 9 heures à 17 heures."
WORSE = "Le parc est planté de tilleuls et de marronniers."


class _Score(BaseModel):
    index: int
    score: float = Field(allow_inf_nan=False, validation_alias=AliasChoices("relevance_score", "score"))


class _Results(BaseModel):
    results: list[_Score]


class _Shape(NamedTuple):
    """How texts are sent beside the question, and how their scores come back."""

    texts: str
    more: Mapping[str, object]
    read: Callable[[bytes], list[_Score]]


_SHAPES: Mapping[Shape, _Shape] = {
    # Without the second vLLM refuses all texts where one is longer than its model reads; others pass over both.
    "jina": _Shape(
        "documents",
        {"return_documents": False, "truncate_prompt_tokens": -1},
        lambda answer: _Results.model_validate_json(answer, strict=True).results,
    ),
    "tei": _Shape("texts", {"truncate": True}, partial(TypeAdapter(list[_Score]).validate_json, strict=True)),
}


class Reranker:
    """A server's `/rerank`: of vLLM, Jina and those that speak alike (`jina`), or of Text Embeddings Inference (`tei`).

    `base_url` is what stands before `/rerank`; vLLM asks for its key only under `/v1`. `timeout` is for a whole answer.
    """

    def __init__(self, base_url: str, api_key: str, model: str, *, shape: Shape, timeout: float) -> None:
        self._base_url = base_url
        self._model = {"model": model} if model else {}
        self._shape = _SHAPES[shape]
        self._client = http_client(timeout, MAX_BYTES)
        if api_key:
            self._client.headers["Authorization"] = f"Bearer {api_key}"

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question, in their order: higher is better, on a scale of the model's own.

        Raises RemoteError where the server fails, UnreadableAnswer where it does not give each text one number.
        """
        body = {**self._model, "query": query, self._shape.texts: list(texts), **self._shape.more}
        answer = self._posted("rerank", body)
        try:
            found = sorted((result.index, result.score) for result in self._shape.read(answer))
        except ValidationError:
            raise UnreadableAnswer("[rerank] shape: the answer is not of that shape") from None
        if [index for index, _ in found] != list(range(len(texts))):
            raise UnreadableAnswer("[rerank] base_url: the server did not give each text one score")
        return [score for _, score in found]

    def opinion(self, asked: tuple[str, Sequence[Passage]], config: RunnableConfig) -> Sequence[float]:
        """The scores of passages for a question: the `work` of a `chains.lever.Lever`. Raises as `scores`."""
        query, passages = asked
        return self.scores(query, [cut(searchable(passage), MAX_TEXT) for passage in passages])

    def prove(self) -> None:
        """Prove with two known texts that the server tells them apart. Raises ConfigurationError, or as `scores`."""
        worse, better = self.scores(PROOF, (WORSE, BETTER))
        if better <= worse:
            raise ConfigurationError(
                f"[rerank] model: it ranks {WORSE!r} above {BETTER!r} for {PROOF!r} ({worse:.3g}, {better:.3g}): set "
                "base_url and model to a reranker"
            )

    def embeds(self) -> bool:
        """Whether that server also makes vectors with the model: vLLM reranks with any embedder, by its cosines."""
        try:
            self._posted("embeddings", {**self._model, "input": [PROOF]})
        except GreffierError:
            return False
        return True

    def _posted(self, path: str, body: Mapping[str, object]) -> bytes:
        """What the server answers. Its words go into no error: they can repeat the citizen's."""
        try:
            response = self._client.post(f"{self._base_url}/{path}", json=body)
            if response.status_code != httpx2.codes.OK:
                raise _refusal(response.status_code)
            return response.content
        except GreffierError:
            raise
        except httpx2.TimeoutException:
            raise RemoteError("[rerank] base_url: no answer in time", permanent=False) from None
        except httpx2.TransportError:
            raise RemoteError("[rerank] base_url: the server cannot be reached", permanent=False) from None
        except httpx2.HTTPError:  # an encoding that it does not keep to
            raise UnreadableAnswer("[rerank] base_url: what answers there is no reranker") from None


def _refusal(status: int) -> RemoteError:
    if status in (401, 403):
        message = "api_key: the server does not accept the key"
    elif status in (404, 405):
        message = "base_url or model: the server has no such model, or no /rerank below base_url"
    elif status in (400, 413, 422, 424):
        message = f"shape: the server does not take our requests: another shape, fewer candidates? (HTTP {status})"
    else:
        message = f"base_url: the server is not able to answer now (HTTP {status})"
    return RemoteError(f"[rerank] {message}", permanent=False, status=status)
