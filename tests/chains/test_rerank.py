"""The client of a reranker, over real HTTP in both shapes."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import pytest

from chains.model import UnreadableAnswer
from chains.rerank import Reranker
from connector.errors import ConfigurationError, GreffierError, RemoteError
from tests.chains.rerank_server import RerankServer

SECRET = "Je m'appelle Camille Durand et j'ai perdu mon permis"
TEXTS = ("La mairie ouvre à neuf heures.", "Le permis perdu se redemande en ligne.", "Un permis de chasse.")


@pytest.fixture(params=["jina", "tei"])
def server(request: pytest.FixtureRequest) -> Iterator[RerankServer]:
    with RerankServer(request.param) as server:
        yield server


def client(server: RerankServer, *, key: str = "", model: str = "reclasseur", timeout: float = 5) -> Reranker:
    return Reranker(server.url, key, model, shape=server.shape, timeout=timeout)  # type: ignore[arg-type]


def test_each_text_gets_its_own_score_although_the_server_sorts_them(server: RerankServer) -> None:
    nothing, both, one = client(server).scores("permis perdu", TEXTS)
    assert both > one > nothing


def test_the_question_and_the_texts_are_sent_as_the_server_wants_them(server: RerankServer) -> None:
    client(server).scores("permis", TEXTS)
    (body,) = server.requests
    assert body["query"] == "permis"
    if server.shape == "jina":
        assert (body["documents"], body["model"], body["truncate_prompt_tokens"]) == (list(TEXTS), "reclasseur", -1)
    else:
        assert (body["texts"], body["truncate"]) == (list(TEXTS), True)


def test_the_key_is_sent(server: RerankServer) -> None:
    server.key = "clef"
    assert len(client(server, key="clef").scores("permis", TEXTS)) == 3
    with pytest.raises(RemoteError, match=r"\[rerank\] api_key"):
        client(server).scores("permis", TEXTS)


@pytest.mark.parametrize("fault", ["html", "short", "twice", "beyond", "nan", "text", "other"])
def test_an_answer_without_one_number_for_each_text_is_unreadable(server: RerankServer, fault: str) -> None:
    server.fault = fault
    with pytest.raises(UnreadableAnswer, match=r"\[rerank\]"):
        client(server).scores("permis", TEXTS)


def test_a_server_that_fails_is_a_remote_error(server: RerankServer) -> None:
    server.fault = "error"
    with pytest.raises(RemoteError) as caught:
        client(server).scores("permis", TEXTS)
    assert (caught.value.permanent, caught.value.status) == (False, 500)


@pytest.mark.parametrize("fault", ["slow", "drip"])
def test_an_answer_that_takes_too_long_is_not_waited_for(server: RerankServer, fault: str) -> None:
    server.fault, server.delay = fault, 60
    with pytest.raises(RemoteError, match="in time"):
        client(server, timeout=0.2).scores("permis", TEXTS)
    assert (len(server.requests), server.sent) == (1, 0), "it is still answering"


def test_a_port_that_refuses_is_an_outage(server: RerankServer) -> None:
    server.__exit__()
    with pytest.raises(RemoteError, match="cannot be reached"):
        client(server).scores("permis", TEXTS)


def test_the_wrong_shape_names_the_setting() -> None:
    with RerankServer("tei") as server:
        reranker = Reranker(server.url, "", "reclasseur", shape="jina", timeout=5)
        with pytest.raises(RemoteError, match=r"\[rerank\] shape"):
            reranker.scores("permis", TEXTS)


def test_a_model_that_is_not_there_names_the_setting() -> None:
    with RerankServer() as server, pytest.raises(RemoteError, match=r"\[rerank\] base_url or model"):
        client(server, model="inconnu").scores("permis", TEXTS)


@pytest.mark.parametrize("fault", ["error", "html", "nan", "short"])
def test_no_error_repeats_what_a_citizen_wrote(server: RerankServer, fault: str) -> None:
    server.fault = fault
    with pytest.raises(GreffierError) as caught:
        client(server).scores(SECRET, TEXTS)
    assert "Durand" not in "".join(traceback.format_exception(caught.value))


def test_a_server_that_tells_texts_apart_is_proved(server: RerankServer) -> None:
    client(server).prove()


@pytest.mark.parametrize("score", [lambda query, text: 0.5, lambda query, text: -len(text)])
def test_a_server_that_ranks_the_wrong_way_is_not(server: RerankServer, score: object) -> None:
    server.score = score  # type: ignore[assignment]
    with pytest.raises(ConfigurationError, match=r"\[rerank\] model"):
        client(server).prove()


def test_a_server_that_embeds_too_is_told(server: RerankServer) -> None:
    assert not client(server).embeds()
    server.embeds = True
    assert client(server).embeds()
