"""What asks a model so that searches find more, as the settings switch it on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg_pool import ConnectionPool

from connector.settings import plain
from webhooks.ledger import Connection
from webhooks.settings import Settings

if TYPE_CHECKING:
    from chains.hints import Hinter
    from chains.judge import Judge
    from chains.lever import Lever
    from chains.ranking import Ranker
    from chains.rerank import Reranker


def rewrite(settings: Settings) -> Lever[str, str] | None:
    """What rewords a question, if that is wanted."""
    from chains.judge import REWRITE_TOKENS
    from chains.lever import Lever

    given = settings.retrieval
    if not given.rewrite:
        return None
    judge = _judge(settings, given.rewrite_budget, REWRITE_TOKENS)
    return Lever("rewrite", judge.rewrite, budget=given.rewrite_budget, setting="[retrieval] rewrite_budget")


def translate(settings: Settings) -> Lever[str, str] | None:
    """What puts a question into French, if that is wanted."""
    from chains.lever import Lever
    from chains.translation import TOKENS, Translator

    given = settings.retrieval
    if not given.translate:
        return None
    translator = Translator(_model(settings, given.translate_budget, TOKENS))
    return Lever(
        "translate", translator.translate, budget=given.translate_budget, setting="[retrieval] translate_budget"
    )


def rankers(settings: Settings) -> tuple[Ranker, ...]:
    """Who has a say in the order of what is found: the reranker, then the chat model."""
    from chains.judge import JUDGE_TOKENS, JUDGED
    from chains.lever import Lever
    from chains.ranking import Ranker

    found, rerank, given = [], settings.rerank, settings.retrieval
    if server := reranker(settings, rerank.budget):
        step = Lever("rerank", server.opinion, budget=rerank.budget, setting="[rerank] budget")
        found.append(Ranker(step, rerank.candidates, rerank.weight))
    if given.judge:
        judge = _judge(settings, given.judge_budget, JUDGE_TOKENS)
        step = Lever("judge", judge.opinion, budget=given.judge_budget, setting="[retrieval] judge_budget")
        found.append(Ranker(step, JUDGED, given.judge_weight))
    return tuple(found)


def reranker(settings: Settings, timeout: float) -> Reranker | None:
    """The client of the configured reranker, if there is one; `timeout` is in seconds."""
    from chains.rerank import Reranker

    given = settings.rerank
    if given.base_url is None:
        return None
    return Reranker(given.base_url, plain(given.api_key), given.model, shape=given.shape, timeout=timeout)


def hinter(settings: Settings, pool: ConnectionPool[Connection]) -> Hinter | None:
    """What enriches documents with questions before they are indexed, if that is wanted."""
    from chains.hints import TOKENS, Hinter
    from webhooks.hints import Hints

    count = settings.index.questions
    if not count:
        return None
    model = _model(settings, settings.chat.timeout, TOKENS * count)
    return Hinter(model, settings.chat.model, Hints(pool), count=count, at_once=settings.index.questions_at_once)


def _judge(settings: Settings, timeout: float, max_tokens: int) -> Judge:
    from chains.judge import Judge

    return Judge(_model(settings, timeout, max_tokens))


def _model(settings: Settings, timeout: float, max_tokens: int) -> Any:  # a type of LangChain's, which stays in chains
    from chains.model import chat_model

    chat = settings.chat
    return chat_model(chat.base_url, plain(chat.api_key), chat.model, timeout=timeout, max_tokens=max_tokens)
