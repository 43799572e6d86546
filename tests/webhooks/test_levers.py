"""The levers as an admin meets them: switched on in the file, looked at by `greffier check`, no draft lost to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from chains.embedding import text_digest
from chains.stores.store import Scope
from tests.chains.rerank_server import RerankServer
from tests.system import System
from webhooks import levers, searching, settings, wiring
from webhooks.demo.model_answers import Script
from webhooks.hints import Hints

QUESTION = "Mon propriétaire garde mon dépôt de garantie, dans quel délai doit-il le rendre ?"


@pytest.fixture
def server() -> Iterator[RerankServer]:
    with RerankServer(key="clef") as server:
        yield server


def with_reranker(greffier: System, server: RerankServer) -> None:
    with greffier.config.open("a", encoding="utf-8") as file:
        file.write(f'\n[rerank]\nbase_url = "{server.url}"\nmodel = "reclasseur"\napi_key = "clef"\nbudget = 5\n')


def with_the_model(greffier: System) -> None:
    for line in ("translate = true", "rewrite = true", "judge = true", "judge_weight = 0.3"):
        greffier.configure(line, "retrieval")


def findings(greffier: System) -> list[str]:
    """What `greffier check` says of the reranker."""
    return [line for line in greffier.run("check").output.splitlines() if line.split()[1] == "rerank:"]


@pytest.mark.server
def test_all_are_off_until_they_are_switched_on(greffier: System) -> None:
    given = settings.load(greffier.config, {})
    assert (levers.translate(given), levers.rewrite(given), levers.rankers(given)) == (None, None, ())
    assert findings(greffier) == []


@pytest.mark.server
def test_each_is_made_as_the_settings_say(greffier: System, server: RerankServer) -> None:
    with_reranker(greffier, server)
    with_the_model(greffier)
    given = settings.load(greffier.config, {})
    assert [one and one.name for one in (levers.translate(given), levers.rewrite(given))] == ["translate", "rewrite"]
    assert [(one.opinion.name, one.first, one.weight) for one in levers.rankers(given)] == [
        ("rerank", 30, 0.8),
        ("judge", 20, 0.3),
    ]


@pytest.mark.server
def test_check_asks_the_reranker_for_the_order_of_two_texts(greffier: System, server: RerankServer) -> None:
    with_reranker(greffier, server)
    assert findings(greffier) == [f"ok      rerank: {server.url} tells two texts apart"]
    server.score = lambda query, text: -len(text)
    (line,) = findings(greffier)
    assert line.startswith("error   rerank: [rerank] model: it ranks")


@pytest.mark.server
def test_check_warns_of_a_reranker_that_is_too_slow_or_may_be_an_embedder(
    greffier: System, server: RerankServer
) -> None:
    with_reranker(greffier, server)
    greffier.configure("budget = 0.01", "rerank")
    server.fault, server.delay = "slow", 0.1
    (line,) = findings(greffier)
    assert line.startswith("warning rerank: two texts took ")
    greffier.configure("budget = 5", "rerank")
    server.fault, server.embeds = "", True
    (line,) = findings(greffier)
    assert "also makes embeddings" in line


@pytest.mark.server
@pytest.mark.parametrize("fault", ["wrong key", "stopped", "error"])
def test_check_says_what_is_wrong_with_a_reranker_and_drafts_are_made_all_the_same(
    greffier: System, server: RerankServer, fault: str
) -> None:
    with_reranker(greffier, server)
    server.key, server.fault = ("other", "") if fault == "wrong key" else ("clef", fault)
    if fault == "stopped":
        server.__exit__()
    (line,) = findings(greffier)
    assert line.startswith("error   rerank: [rerank] ")
    ticket, _ = greffier.sandbox.write_as_customer("Dépôt de garantie", QUESTION)
    printed = greffier.run("draft", "sandbox", str(ticket))
    assert printed.exit_code == 0, printed.output
    assert "AI-generated" in printed.output


@pytest.mark.server
def test_a_draft_is_made_when_the_model_is_of_no_use_to_the_search(greffier: System) -> None:
    with_the_model(greffier)
    greffier.models.script = Script(embeddings=True)  # which answers both with sentences
    ticket, _ = greffier.sandbox.write_as_customer("Dépôt de garantie", QUESTION)
    printed = greffier.run("draft", "sandbox", str(ticket))
    assert printed.exit_code == 0, printed.output
    assert "AI-generated" in printed.output
    assert [request.path for request in greffier.models.requests].count("/v1/chat/completions") == 3


def test_questions_are_kept_by_model_version_and_text(pool: ConnectionPool[psycopg.Connection[Any]]) -> None:
    kept, digests = Hints(pool), [text_digest("a"), text_digest("b")]
    kept.put("m", "fr-1/3", digests[0], ["Où ?", "Quand ?"])
    kept.put("m", "fr-1/3", digests[0], ["Où ?"])
    assert kept.get_many("m", "fr-1/3", digests) == {digests[0]: ("Où ?",)}
    assert kept.get_many("m", "fr-1/4", digests) == kept.get_many("n", "fr-1/3", digests) == {}


@pytest.mark.server
def test_an_index_with_questions_finds_what_only_they_say(greffier: System) -> None:
    with greffier.config.open("a", encoding="utf-8") as file:
        file.write("\n[index]\nquestions = 2\n")
    greffier.models.script = Script(embeddings=True, text='{"questions": ["Que faire de mon brimborion ?"]}')
    for calls in ("some", "none"):
        greffier.models.requests.clear()
        done = greffier.run("index")
        assert done.exit_code == 0, done.output
        asked = [request for request in greffier.models.requests if request.path.endswith("/completions")]
        assert bool(asked) is (calls == "some")
    given = settings.load(greffier.config, {})
    with wiring.database(given, connections=2) as pool:
        index = searching.store(given, pool, searching.embeddings(given))
        assert index.search(Scope.MENTIONS, ["brimborion"], 5)
        assert index.search(Scope.PASSAGES, ["brimborion"], 5) == []
