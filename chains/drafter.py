"""The chain: a citizen's message in, a draft or an abstention out.

One flat function. Each part is invoked with the same config, so that a callback handler or a tracer given to `invoke`
sees retrieval, prompt, model and checks as the steps of one run, and nothing is hidden in operators.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import langsmith
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda, chain

from chains.checks import Phrase, check, cite, worth_showing
from chains.draft import Abstention, AbstentionReason, Draft, Passage, Statement
from chains.lever import Lever
from chains.model import ask
from chains.prompt import PROMPT, PROMPT_VERSION, answer_schema, cut, phrases_within, read_answer, variables
from chains.query import searches
from chains.question import Question
from chains.retrieval import too_weak

log = logging.getLogger("greffier.drafter")

LANGUAGE = "fr"
"""Of every reply: the sources are in French, and a statement is checked word against word with its source."""


@dataclass(frozen=True, slots=True)
class _Answer:
    phrases: tuple[Phrase, ...]
    shown: tuple[Passage, ...]


def make_drafter(
    retriever: BaseRetriever,
    model: BaseChatModel,
    *,
    model_name: str,
    max_tokens: int = 800,
    at_once: int = 1,
    passage_chars: int = 1200,
    translate: Lever[str, str] | None = None,
) -> Runnable[Question, Draft | Abstention]:
    """The chain over a retriever whose documents are as `chains.retrieval` says, and a chat model.

    At most `passage_chars` characters of each passage are shown to the model; `max_tokens` is the model's, so that no
    more sentences are asked for than fit; `at_once` is how many answers the model may be asked for at a time, a further
    draft waits with its prompt ready. `translate` puts a question that is not in French into French first, so that
    words can be searched too. `invoke` raises RemoteError where a server failed and UnreadableAnswer where the
    model's answer is no draft: whatever goes wrong is an error, never a text.
    """
    places = threading.BoundedSemaphore(at_once)
    langsmith.configure(enabled=False)  # a variable of the environment must not send tickets to a service outside

    @chain  # type: ignore[arg-type]  # whose annotation forgets functions that take the config
    def draft(question: Question, config: RunnableConfig) -> Draft | Abstention:
        profile, query, language = question.profile, question.query, question.language
        translation = None
        if translate and language != LANGUAGE:
            with places:
                translation = translate(query, config.get("callbacks"))
        whole, *also = searches(query, question.parts, language, translation or "")
        found_for = {"language": whole.language, "also": also, "within": profile.within}
        documents = retriever.invoke(whole.text, config, **found_for)[: profile.passages]
        found = tuple(document.metadata["passage"] for document in documents)
        if too_weak(documents, min_cosine=profile.min_cosine):
            return _abstain(AbstentionReason.NO_SOURCE, found, documents)

        shown = tuple(replace(passage, text=cut(passage.text, passage_chars)) for passage in found)
        prompt = PROMPT.invoke(variables(question, shown), config)
        with places:
            answer = ask(model, prompt, answer_schema(len(shown), phrases_within(max_tokens)), config)
        statements = _CHECKS.invoke(_Answer(read_answer(answer, len(shown)), shown), config)
        if not statements:
            return _abstain(AbstentionReason.NOTHING_STANDS, found, documents, model_name)
        statements, cited = cite(statements, found)
        return Draft(statements, cited, LANGUAGE, model_name, PROMPT_VERSION)

    return draft


def _checks(answer: _Answer) -> tuple[Statement, ...]:
    # Against the passages as they were shown: what was cut off cannot have been the model's source.
    return worth_showing(check(answer.phrases, answer.shown, LANGUAGE))


_CHECKS = RunnableLambda(_checks, name="checks")


def _abstain(
    reason: AbstentionReason, found: tuple[Passage, ...], documents: Sequence[Document], model: str = ""
) -> Abstention:
    evidence = documents[0].metadata if documents else {}
    log.info("abstained: %s (cosine %s, coverage %s)", reason, evidence.get("cosine"), evidence.get("coverage"))
    return Abstention(reason, found, LANGUAGE, model, PROMPT_VERSION if model else "")
