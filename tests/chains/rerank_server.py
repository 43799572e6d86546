"""A reranker over real HTTP, as vLLM 0.32 and Text Embeddings Inference answer: it counts the words in common."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chains.analyser import stems


def words_in_common(query: str, text: str) -> float:
    """Which is what makes it right about simple texts."""
    said = set(stems(text))
    return sum(stem in said for stem in stems(query)) / 10


class RerankServer:
    """On a port of this machine. `fault` is what goes wrong with each answer; `requests` are the bodies that came in,
    `sent` is how many answers went out whole.

    Faults: `error` (500), `slow` (an answer after `delay` seconds), `drip` (a byte every now and then), `html`, `short`
    (a result too few), `twice` (one index for all), `beyond` (an index that no text has), `nan`, `text` (a score that
    is no number), `other` (around the results is what the other shape has).
    """

    def __init__(self, shape: str = "jina", *, key: str = "", embeds: bool = False) -> None:
        self.shape, self.key, self.embeds = shape, key, embeds
        self.fault = ""
        self.delay = 2.0
        self.score: Callable[[str, str], float] = words_in_common
        self.requests: list[dict[str, Any]] = []
        self.sent = 0
        self.stopped = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True

    @property
    def url(self) -> str:
        """What stands before `/rerank`."""
        return f"http://127.0.0.1:{self._http.server_address[1]}" + ("/v1" if self.shape == "jina" else "")

    def __enter__(self) -> RerankServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._http.shutdown()
        self._http.server_close()

    def answer(self, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and body of an answer: best first, as both kinds of server sort it."""
        texts = body.get("documents" if self.shape == "jina" else "texts")
        if not isinstance(texts, list) or not texts:
            status = 400 if self.shape == "jina" else 422
            return status, {"error": {"message": f"cannot read {body}", "type": "Bad Request", "code": status}}
        if self.shape == "jina" and body.get("model") not in ("", "reclasseur"):
            return 404, {"error": {"message": "The model does not exist.", "type": "NotFoundError", "code": 404}}
        scores = [self.score(body["query"], text) for text in texts]
        best = sorted(range(len(texts)), key=lambda index: -scores[index])
        results = [self._result(index, scores[index], texts[index]) for index in self._broken(best)]
        whole = {"id": "score-1", "model": "reclasseur", "results": results}
        return 200, whole if (self.shape == "jina") != (self.fault == "other") else results

    def _broken(self, indexes: Sequence[int]) -> Sequence[int]:
        match self.fault:
            case "short":
                return indexes[:-1]
            case "twice":
                return [0] * len(indexes)
        return indexes

    def _result(self, index: int, score: float, text: str) -> dict[str, Any]:
        given: Any = {"nan": float("nan"), "text": "0.5"}.get(self.fault, score)
        index += 1000 if self.fault == "beyond" else 0
        if self.shape == "tei":
            return {"index": index, "score": given}
        return {"index": index, "document": {"text": text, "multi_modal": None}, "relevance_score": given}


def _handler(reranker: RerankServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if reranker.key and self.headers.get("Authorization") != f"Bearer {reranker.key}":
                return self._send(401, b'{"error": "Unauthorized"}')
            prefix = "/v1" if reranker.shape == "jina" else ""
            if self.path == f"{prefix}/embeddings" and reranker.embeds:
                return self._send(200, b'{"data": []}')
            if self.path != f"{prefix}/rerank":
                return self._send(404, b'{"detail": "Not Found"}')
            reranker.requests.append(body)
            if reranker.fault == "error":
                return self._send(500, json.dumps({"error": {"message": str(body), "code": 500}}).encode())
            if reranker.fault == "html":
                return self._send(200, b"<!DOCTYPE html><html><body>Maintenance</body></html>")
            if reranker.fault == "slow":
                reranker.stopped.wait(reranker.delay)
            status, answer = reranker.answer(body)
            return self._send(status, json.dumps(answer).encode(), drip=reranker.fault == "drip")

        def _send(self, status: int, body: bytes, *, drip: bool = False) -> None:
            self.send_response_only(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if not drip:
                self.wfile.write(body)
            for byte in body if drip else b"":
                self.wfile.write(bytes([byte]))
                if reranker.stopped.wait(0.05):
                    return
            reranker.sent += 1

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:  # who has given up
                self.close_connection = True

    return Handler
