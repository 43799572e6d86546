"""A connection to Weaviate, with our errors for its client's."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import httpx
import weaviate
from weaviate import exceptions
from weaviate.auth import Auth
from weaviate.config import AdditionalConfig, GrpcConfig, Proxies, Timeout
from weaviate.connect import v4

from connector.errors import ConfigurationError, GreffierError, RemoteError

INSERT = 90  # seconds that a batch of objects may take to be stored
_CERTIFICATES, _NO_PROXY = "SSL_CERT_FILE", "NO_PROXY"


@dataclass(frozen=True, slots=True)
class Server:
    """Where Weaviate is, and how to be let in.

    `url` is its HTTP address; gRPC is on the same host at `grpc_port`, with TLS where the address is an https one.
    `ca_bundle` is a file of certificates in PEM form, for a private authority; `timeout` is seconds for a search.
    """

    url: str
    grpc_port: int = 50051
    api_key: str = ""
    ca_bundle: Path | None = None
    timeout: float = 5


class Connection:
    """A client that connects when it is first asked for: gRPC does not survive a fork. Safe between threads.

    Whoever forgets to close it leaves that to the end of its use, or of the process.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._client: weaviate.WeaviateClient | None = None
        self._lock = threading.Lock()

    def client(self) -> weaviate.WeaviateClient:
        """The connected client. Raises RemoteError or ConfigurationError."""
        with self._lock:
            if self._client is None:
                with our_errors():
                    self._client = _connect(self._server)
                self._let_go = weakref.finalize(self, self._client.close)
            return self._client

    def close(self) -> None:
        """Let go of the connection; the next use makes a new one."""
        with self._lock:
            if self._client is not None:
                self._let_go()
                self._client = None


class _Once:
    """In place of the client's own retries, which sleep for a minute: here the queue waits, and keeps no thread."""

    def __init__(self, n: float = 0) -> None:
        pass

    def with_exponential_backoff(self, count: int, error: str, f: Callable[..., Any], *args: Any, **how: Any) -> Any:
        return f(*args, **how)


assert hasattr(v4, "_Retry")  # noqa: S101 - it is a private name of the client's
v4._Retry = _Once


_GRPC = [
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),  # a server that is back is found at once, not after two minutes
    ("grpc.max_reconnect_backoff_ms", 500),
]


def _connect(server: Server) -> weaviate.WeaviateClient:
    address = urlsplit(server.url)
    secure = address.scheme == "https"
    host = address.hostname or ""
    credentials = grpc.ssl_channel_credentials(_authority(server.ca_bundle)) if secure else None
    with _trusting(server.ca_bundle):
        client = weaviate.connect_to_custom(
            http_host=host,
            http_port=address.port or (443 if secure else 80),
            http_secure=secure,
            grpc_host=host,
            grpc_port=server.grpc_port,
            grpc_secure=secure,
            auth_credentials=Auth.api_key(server.api_key) if server.api_key else None,
            additional_config=AdditionalConfig(
                timeout=Timeout(init=server.timeout, query=server.timeout, insert=INSERT),
                trust_env=server.ca_bundle is not None,
                proxies=Proxies(),
                grpc_config=GrpcConfig(credentials=credentials, channel_options=_GRPC),
            ),
            skip_init_checks=True,  # one of them asks a server on the Internet for the client's newest version
        )
    try:
        _require_grpc(f"{host}:{server.grpc_port}", credentials, server.timeout)
    except BaseException:
        client.close()
        raise
    return client


def _require_grpc(target: str, credentials: grpc.ChannelCredentials | None, timeout: float) -> None:
    opened = (
        grpc.secure_channel(target, credentials, options=_GRPC)
        if credentials
        else grpc.insecure_channel(target, options=_GRPC)
    )
    with opened as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout)
        except grpc.FutureTimeoutError:
            raise RemoteError("[store] grpc_port: Weaviate does not answer there by gRPC", permanent=False) from None


def _authority(ca_bundle: Path | None) -> bytes | None:
    try:
        return ca_bundle.read_bytes() if ca_bundle else None
    except OSError as error:
        raise ConfigurationError(f"[store] ca_bundle: {ca_bundle} cannot be read: {error.strerror}") from None


@contextmanager
def _trusting(ca_bundle: Path | None) -> Iterator[None]:
    """Let the client's HTTP side trust a private authority: it can be told in the environment only.

    It reads that while it connects, and then it would read of proxies too. Both are put back, for whoever else reads.
    """
    if ca_bundle is None:
        yield
        return
    before = {name: os.environ.get(name) for name in (_CERTIFICATES, _NO_PROXY)}
    os.environ |= {_CERTIFICATES: str(ca_bundle), _NO_PROXY: "*"}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class NoSuchCollection(GreffierError):
    """Weaviate has no collection of that name."""


class NoSuchTenant(GreffierError):
    """The collection has no such tenant: nothing of that organisation was indexed."""


@contextmanager
def our_errors() -> Iterator[None]:
    """Whatever goes wrong with Weaviate becomes an error that names the setting. Its own words are kept short."""
    try:
        yield
    except GreffierError:
        raise
    except (exceptions.UnexpectedStatusCodeError, exceptions.AuthenticationFailedError) as error:
        raise _refusal(error) from None
    except (exceptions.WeaviateTimeoutError, TimeoutError):
        raise RemoteError("[store] url: Weaviate did not answer in time", permanent=False) from None
    except exceptions.WeaviateQueryError as error:
        raise _failed_query(str(error.message), getattr(error.__context__, "code", lambda: None)()) from None
    except exceptions.WeaviateBaseError as error:
        raise _unreachable(error) from None
    except (httpx.HTTPError, grpc.RpcError, OSError) as error:  # what its own libraries let through
        raise _unreachable(error) from None


def _refusal(error: exceptions.WeaviateBaseError) -> RemoteError:
    status = getattr(error, "status_code", 401)
    if status in (401, 403):
        return RemoteError("[store] api_key: Weaviate does not accept the key", permanent=False, status=status)
    return RemoteError(f"[store] url: Weaviate answered with HTTP {status}{_words(str(error))}", permanent=False)


_BY_CODE = {
    grpc.StatusCode.DEADLINE_EXCEEDED: "timeout: Weaviate did not answer in time",
    grpc.StatusCode.UNAVAILABLE: "url: Weaviate cannot be reached",
}


def _failed_query(message: str, code: grpc.StatusCode | None) -> GreffierError:
    lowered = message.lower()
    if "could not find class" in lowered or "class not found" in lowered:
        return NoSuchCollection(message)
    if "tenant not found" in lowered:
        return NoSuchTenant(message)
    if "unauthorized" in lowered or code is grpc.StatusCode.UNAUTHENTICATED:
        return RemoteError("[store] api_key: Weaviate does not accept the key", permanent=False, status=401)
    if code in _BY_CODE:
        return RemoteError(f"[store] {_BY_CODE[code]}", permanent=False)
    return RemoteError(f"[store] url: Weaviate failed{_words(message)}", permanent=False)


def _unreachable(error: Exception) -> RemoteError:
    words = " ".join(_with_causes(error))
    if "CERTIFICATE" in words.upper():
        hint = "its certificate is not signed by an authority that is known here; set [store] ca_bundle"
        return RemoteError(f"[store] url: {hint}", permanent=False)
    if "grpc" in words.lower():
        return RemoteError("[store] grpc_port: Weaviate does not answer there by gRPC", permanent=False)
    return RemoteError("[store] url: Weaviate cannot be reached", permanent=False)


def _with_causes(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield str(error)
        error = error.__cause__ or error.__context__


def _words(message: str) -> str:
    """What the server said of it, within a line."""
    words = " ".join(message.split())
    return f": {words[:200]}" if words else ""
