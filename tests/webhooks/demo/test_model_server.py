"""The scripted model server is held to exchanges recorded with vLLM 0.32, and misbehaves on demand."""

from __future__ import annotations

import base64
import http.client
import json
import struct
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from tests.conftest import FIXTURES
from webhooks.demo.model_answers import Fault, Script
from webhooks.demo.model_server import ModelServer

RECORDINGS = FIXTURES / "vllm-0.32.0"
CHAT = Script(key="<clé>")
EMBEDDINGS = replace(CHAT, models=("plongement",), embeddings=True)
PROMPT = "<extraits>\n[1] Titre\nIl faut 2 photos. Puis le reste.\n\n[2] Autre > Cas\nC'est gratuit\n</extraits>"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


def recording(name: str) -> dict[str, Any]:
    exchange: dict[str, Any] = json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"))
    return exchange


def send(server: ModelServer, request: dict[str, Any], timeout: float = 10) -> tuple[int, dict[str, str], str]:
    body = request.get("body") or (json.dumps(request["json"]) if "json" in request else None)
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)) as connection:
        connection.request(request["method"], request["path"], body, request["headers"])
        with connection.getresponse() as response:
            text = response.read().decode()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, text


def chat(server: ModelServer, timeout: float = 10, **fields: Any) -> tuple[int, str]:
    body = {"model": "modele-local", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 99} | fields
    request = {"method": "POST", "path": "/v1/chat/completions", "headers": {}, "json": body}
    status, _, text = send(server, request, timeout)
    return status, text


def content(answer: str) -> str:
    text: str = json.loads(answer)["choices"][0]["message"]["content"]
    return text


def events(stream: str) -> list[str]:
    return [line.removeprefix("data: ") for line in stream.split("\n\n") if line]


def shape(value: Any) -> Any:
    """The keys and types of a value; of a list, the shape of its first item."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return type(value).__name__


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("02-models", CHAT),
        ("03-version", CHAT),
        ("10-chat-plain", CHAT),
        ("12-chat-length", replace(CHAT, fault=Fault.LENGTH)),
        ("13-chat-json-schema", CHAT),
        ("14-chat-json-schema-length", replace(CHAT, fault=Fault.LENGTH)),
        ("25-chat-wrong-key", CHAT),
        ("26-chat-no-key", CHAT),
        ("27-models-no-key", CHAT),
        ("29-chat-unknown-model", CHAT),
        ("31-chat-invalid-json", CHAT),
        ("32-chat-no-messages", CHAT),
        ("34-chat-wrong-type", CHAT),
        ("50-embeddings-on-generate", CHAT),
        ("52-unknown-path", CHAT),
        ("53-get-on-chat", CHAT),
        ("60-chat-request-id", CHAT),
        ("67-empty-schema-enum-items", replace(CHAT, fault=Fault.ERROR)),
        ("73-stream-options-without-stream", CHAT),
        ("74-stream-error-before", CHAT),
        ("97-queue-full", replace(CHAT, slots=0, queue=0)),
        ("98-queue-full-stream", replace(CHAT, fault=Fault.BUSY)),
        ("101-embed-float", EMBEDDINGS),
        ("102-embed-base64", EMBEDDINGS),
        ("103-embed-string", EMBEDDINGS),
        ("113-embed-unknown-model", EMBEDDINGS),
    ],
)
def test_an_answer_has_the_recorded_shape(server: ModelServer, name: str, script: Script) -> None:
    exchange = recording(name)
    server.script = script
    status, headers, text = send(server, exchange["request"])
    assert status == exchange["response"]["status"]
    assert set(headers) == {header for header, _ in exchange["response"]["headers"]}
    assert shape(json.loads(text)) == shape(exchange["response"]["json"])


def test_health_is_open_and_empty(server: ModelServer) -> None:
    server.script = CHAT
    exchange = recording("01-health")
    status, headers, text = send(server, exchange["request"])
    assert (status, text) == (200, "")
    assert set(headers) == {header for header, _ in exchange["response"]["headers"]}


def test_an_unknown_name_gets_the_recorded_message(server: ModelServer) -> None:
    server.script = CHAT
    exchange = recording("29-chat-unknown-model")
    assert json.loads(send(server, exchange["request"])[2]) == exchange["response"]["json"]


@pytest.mark.parametrize(("name", "end"), [("70-stream-usage", None), ("71-stream-no-usage", Fault.LENGTH)])
def test_a_stream_has_the_recorded_events(server: ModelServer, name: str, end: Fault | None) -> None:
    exchange = recording(name)
    server.script = replace(CHAT, fault=end, text="La capitale de la France est Paris.")
    status, headers, text = send(server, exchange["request"])
    ours, theirs = events(text), [event.removeprefix("data: ") for event in exchange["response"]["sse"]]
    tail = 3 if name == "70-stream-usage" else 2
    assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert ours[-1] == theirs[-1] == "[DONE]"
    for own, seen in ((ours[:2], theirs[:2]), (ours[-tail:-1], theirs[-tail:-1])):
        assert [_chunk_shape(event) for event in own] == [_chunk_shape(event) for event in seen]


def _chunk_shape(event: str) -> Any:
    chunk = json.loads(event)
    if chunk["choices"] and chunk["choices"][0]["finish_reason"]:
        chunk.pop("system_fingerprint", None)  # on the last chunk of either kind
    return shape(chunk)


def test_an_error_within_a_stream_is_the_recorded_one(server: ModelServer) -> None:
    server.script = Script(fault=Fault.EVENT)
    _, text = chat(server, stream=True)
    theirs = recording("79-sigterm-default")["response_to_streamed_request"]["last_events"]
    assert [json.loads(events(text)[-2]), events(text)[-1]] == [json.loads(theirs[1][6:]), theirs[2][6:]]


def test_it_answers_the_first_sentence_of_each_passage(server: ModelServer) -> None:
    _, answer = chat(server)
    assert json.loads(content(answer)) == {
        "phrases": [
            {"texte": "Il faut 2 photos.", "extraits": [1]},
            {"texte": "C'est gratuit", "extraits": [2]},
        ]
    }


def test_a_stream_says_the_same_as_a_whole_answer(server: ModelServer) -> None:
    chunks = [json.loads(event) for event in events(chat(server, stream=True)[1])[:-1]]
    streamed = "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks if chunk["choices"])
    assert streamed == content(chat(server)[1])


def test_a_given_text_is_answered_to_anything(server: ModelServer) -> None:
    server.script = Script(text="Bonjour")
    assert content(chat(server)[1]) == "Bonjour"


def test_json_can_be_pretty(server: ModelServer) -> None:
    server.script = Script(pretty=True)
    assert "\n  " in content(chat(server)[1])


def test_requests_are_kept(server: ModelServer) -> None:
    chat(server, temperature=0)
    assert server.requests[0].body["temperature"] == 0
    assert server.requests[0].path == "/v1/chat/completions"


def test_the_vector_of_a_text_is_always_the_same(server: ModelServer) -> None:
    server.script = Script(embeddings=True)
    request = {"method": "POST", "path": "/v1/embeddings", "headers": {}}
    plain = send(server, request | {"json": {"model": "modele-local", "input": ["a", "b"]}})[2]
    coded = send(server, request | {"json": {"model": "modele-local", "input": "b", "encoding_format": "base64"}})[2]
    vectors = [item["embedding"] for item in json.loads(plain)["data"]]
    assert vectors[0] != vectors[1]
    decoded = struct.unpack("<32f", base64.b64decode(json.loads(coded)["data"][0]["embedding"]))
    assert list(decoded) == pytest.approx(vectors[1], abs=1e-6)


def test_a_client_that_leaves_is_noticed(server: ModelServer) -> None:
    server.script = Script(fault=Fault.SILENCE)
    with pytest.raises(TimeoutError):
        chat(server, timeout=0.2)
    assert server.requests[0].closed.wait(5)


def test_a_client_that_leaves_gives_its_slot_back(server: ModelServer) -> None:
    server.script = Script(fault=Fault.SILENCE, slots=1)
    with pytest.raises(TimeoutError):
        chat(server, timeout=0.2)
    server.script = Script(slots=1)
    assert chat(server)[0] == 200


def test_requests_beyond_the_slots_wait_their_turn(server: ModelServer) -> None:
    server.script = Script(slots=1, latency=0.1)
    answers: list[int] = []
    clients = [threading.Thread(target=lambda: answers.append(chat(server)[0])) for _ in range(3)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert answers == [200, 200, 200]


def test_a_connection_may_break_in_the_middle(server: ModelServer) -> None:
    server.script = Script(fault=Fault.BROKEN)
    with pytest.raises(http.client.IncompleteRead):
        chat(server)


def test_a_stopped_server_refuses_and_comes_back_on_its_port() -> None:
    server = ModelServer().start()
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        chat(server)
    server.start(server.port)
    assert chat(server)[0] == 200
    server.stop()
