"""What the scripted model server answers: bodies and events of vLLM 0.32, and what may be wrong with them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

FINGERPRINT = "vllm-0.32.0-2a7e4fd7"
ENGINE_DEAD = "EngineCore encountered an issue. See stack trace (above) for the root cause."


class Fault(StrEnum):
    """What goes wrong with every chat answer."""

    BUSY = "busy"
    """503: the queue is full, without `Retry-After`."""
    ERROR = "error"
    """500, while `/health` stays 200."""
    REFUSED = "refused"
    """400, with a message that repeats what was sent."""
    LENGTH = "length"
    """Cut by `max_tokens`: half the JSON, `finish_reason: length`."""
    ABORT = "abort"
    """Cut as the server is stopped: `finish_reason: abort`, no error."""
    NO_FINISH = "no_finish"
    """A stream that ends cleanly without any `finish_reason`."""
    EVENT = "event"
    """An error event within a stream at status 200; 500 without a stream."""
    BROKEN = "broken"
    """The connection is closed in the middle of the body."""
    SILENCE = "silence"
    """Some of a stream, or nothing at all, and then nothing until the client gives up."""
    DRIP = "drip"
    """A stream that is kept alive with comments and never ends."""
    HTML = "html"
    """A page of a proxy, at status 200."""
    BLANK = "blank"
    """White space until `max_tokens`."""
    HUGE = "huge"
    """100 kB of text in a whole answer."""
    EMPTY = "empty"
    """A whole answer of no text."""


@dataclass(frozen=True, slots=True)
class Script:
    """How the server behaves; it may be exchanged at any moment."""

    fault: Fault | None = None
    text: str | None = None
    """Answered to every prompt, instead of what its passages say."""
    pretty: bool = False
    """JSON with line breaks, as a model likes to write it."""
    latency: float = 0.0
    """Seconds that each answer takes."""
    slots: int = 8
    """Answers in progress at once; further requests wait."""
    queue: int | None = None
    """Requests that may wait; one more is told 503. None: any number."""
    key: str = ""
    """What `/v1` wants as a bearer; empty: nothing."""
    models: tuple[str, ...] = ("modele-local",)
    """The names that the model is served under; answers bear the first."""
    embeddings: bool = False
    """Whether `/v1/embeddings` is there; vectors are made of a digest of the text."""
    dimension: int = 32
    """How many numbers a vector has."""
    embedding_latency: float = 0.0
    """Seconds that a batch of texts takes."""


class Answer:
    """One answer, whole or as the events of a stream."""

    def __init__(self, body: dict[str, Any], script: Script, request_id: str | None) -> None:
        self.fault = script.fault
        self._options = body.get("stream_options") or {}
        self._text = _content(body, script)
        ends = {Fault.LENGTH: "length", Fault.BLANK: "length", Fault.ABORT: "abort"}
        self._end = ends.get(script.fault, "stop") if script.fault else "stop"
        prompt = sum(len(str(message.get("content")).split()) for message in body["messages"])
        written = len(self._text.split())
        self._usage = {"prompt_tokens": prompt, "total_tokens": prompt + written, "completion_tokens": written}
        self._common = {
            "id": f"chatcmpl-{request_id or uuid.uuid4().hex[:16]}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": script.models[0],
        }

    def completion(self) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": self._text}
        message |= dict.fromkeys(("refusal", "annotations", "audio", "function_call", "reasoning"))
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._end}
        choice |= dict.fromkeys(("stop_reason", "token_ids", "routed_experts"))
        usage = self._usage | dict.fromkeys(("prompt_tokens_details", "completion_tokens_details"))
        rest = (
            "prompt_logprobs",
            "prompt_token_ids",
            "prompt_text",
            "kv_transfer_params",
            "ec_transfer_params",
            "metrics",
        )
        return {
            **self._common,
            "choices": [choice],
            "service_tier": None,
            "system_fingerprint": FINGERPRINT,
            "usage": usage,
            **dict.fromkeys(rest),
        }

    def events(self) -> Iterator[str]:
        yield self._event({"role": "assistant", "content": ""}, first=True)
        pieces = re.findall(r"\S+\s*|\s+", self._text)
        for number, piece in enumerate(pieces):
            if self.fault is Fault.EVENT and number == 2:
                break
            yield self._event({"content": piece})
        if self.fault is Fault.EVENT:
            error = {"message": ENGINE_DEAD, "type": "InternalServerError", "param": None, "code": 500}
            yield json.dumps({"error": error})
        elif self.fault not in (Fault.NO_FINISH, Fault.DRIP):
            yield self._event({"content": ""}, self._end)
            if self._options.get("include_usage"):
                chunk = {**self._common, "object": "chat.completion.chunk", "choices": [], "usage": self._usage}
                yield _compact(chunk | {"system_fingerprint": FINGERPRINT})
        if self.fault not in (Fault.NO_FINISH, Fault.DRIP):
            yield "[DONE]"

    def _event(self, delta: dict[str, str], end: str | None = None, *, first: bool = False) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": end}
        choice |= ({"stop_reason": None} if end else {}) | ({} if first else {"token_ids": None})
        chunk = {**self._common, "object": "chat.completion.chunk", "choices": [choice]}
        return _compact(chunk | ({"prompt_token_ids": None, "prompt_text": None} if first else {}))


def _content(body: dict[str, Any], script: Script) -> str:
    match script.fault:
        case Fault.BLANK:
            return "{\n" + "\t\t  \n" * 60
        case Fault.EMPTY:
            return ""
        case Fault.HUGE:
            return _answer_json([("Ce texte n'en finit pas. " * 4000, [1])], script)
    text = script.text
    if text is None:
        passages = re.findall(r"^\[(\d+)\] [^\n]*\n(.*?)(?=\n\n\[\d+\] |\n</extraits>)", _prompt(body), re.M | re.S)
        text = _answer_json([(_first_sentence(passage), [int(number)]) for number, passage in passages], script)
    return text[: len(text) // 2] if script.fault in (Fault.LENGTH, Fault.ABORT) else text


def _answer_json(phrases: list[tuple[str, list[int]]], script: Script) -> str:
    answer = {"phrases": [{"texte": text, "extraits": numbers} for text, numbers in phrases]}
    return json.dumps(answer, ensure_ascii=False, indent=2 if script.pretty else None)


def _prompt(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


def _first_sentence(passage: str) -> str:
    found = re.match(r".*?[.!?](?=\s|$)", passage.strip(), re.S)
    return " ".join((found[0] if found else passage).split())[:400]


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def validate(path: str, body: Any, script: Script) -> tuple[int, str, str, str | None] | None:
    """Why a request is refused: status, message, type and parameter."""
    wanted = "input" if path == "/v1/embeddings" else "messages"
    if not isinstance(body, dict) or wanted not in body:
        message = f"1 validation error:\n  {{'type': 'missing', 'loc': 'body.{wanted}', 'msg': 'Field required'}}"
        return 400, message, "Bad Request", f"body.{wanted}"
    if body.get("model") and body["model"] not in script.models:
        message = f"The model `{body['model']}` does not exist. Valid aliases: {', '.join(script.models)}."
        return 404, message, "NotFoundError", "model" if wanted == "messages" else None
    if not body[wanted]:
        return 400, "Cannot apply chat template to an empty conversation.", "BadRequestError", None
    if body.get("stream_options") and not body.get("stream"):
        message = "Stream options can only be defined when `stream=True`. (parameter=stream_options)"
        return 400, message, "BadRequestError", "stream_options"
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    if most is not None and not isinstance(most, int):
        return 400, "1 validation error:\n  {'type': 'int_parsing'}", "Bad Request", "body.max_tokens"
    return None


def model_list(script: Script) -> dict[str, Any]:
    rights = {
        "id": "modelperm-a9343cc2427e8406", "object": "model_permission", "created": int(time.time()),
        "allow_create_engine": False, "allow_sampling": True, "allow_logprobs": True, "allow_search_indices": False,
        "allow_view": True, "allow_fine_tuning": False, "organization": "*", "group": None, "is_blocking": False,
    }  # fmt: skip
    models = [
        {"id": name, "object": "model", "created": int(time.time()), "owned_by": "vllm", "root": "/hf", "parent": None}
        | {"max_model_len": 4096, "permission": [rights]}
        for name in script.models
    ]
    return {"object": "list", "data": models}


def embeddings(body: dict[str, Any], script: Script) -> dict[str, Any]:
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    data = [
        {
            "index": index,
            "object": "embedding",
            "embedding": _vector(str(text), script.dimension, body.get("encoding_format")),
        }
        for index, text in enumerate(texts)
    ]
    words = sum(len(str(text).split()) for text in texts)
    usage: dict[str, Any] = {"prompt_tokens": words, "total_tokens": words, "completion_tokens": 0}
    usage |= dict.fromkeys(("prompt_tokens_details", "completion_tokens_details"))
    common = {"id": f"embd-{uuid.uuid4().hex[:16]}", "object": "list", "created": int(time.time())}
    return {**common, "model": script.models[0], "data": data, "usage": usage}


def _vector(text: str, dimension: int, encoding: str | None) -> list[float] | str:
    """Numbers that the text alone decides, of norm 1."""
    raw = [byte - 127.5 for byte in hashlib.shake_256(text.encode()).digest(dimension)]
    norm = sum(value * value for value in raw) ** 0.5
    vector = [value / norm for value in raw]
    return base64.b64encode(struct.pack(f"<{dimension}f", *vector)).decode() if encoding == "base64" else vector
