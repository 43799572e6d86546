"""Files with large parsers are read in a process of its own: what a stranger's file does to it stays there.

One that keeps its parser busy for ever, or takes all memory, is a file that cannot be read, and no more.
"""

from __future__ import annotations

import os
import resource
import sys
import zipfile
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from subprocess import DEVNULL, Popen

from chains.corpora.document import Loaded
from chains.corpora.loaders import LOADERS

MAX_SECONDS = 120.0
"""For one file. A PDF of two thousand pages may take as long on a slow machine."""
MAX_MEMORY = 1024 * 1024 * 1024
"""Bytes that the process may take."""
APART = {".pdf", ".docx", ".odt"}
"""The formats that are read in it, by how a file's name ends."""


class Apart:
    """Reads files in a process that is started when it is needed, also after a file that it has not survived."""

    def __init__(self) -> None:
        self._child: tuple[Popen[bytes], Connection] | None = None

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._child[0].pid if self._child else None

    def __call__(self, file: Path) -> Loaded:
        """What the file says. Raises ValueError with the reason if it cannot be read."""
        self._child = self._child or _started()
        pipe = self._child[1]
        try:
            pipe.send(file)
            answered = pipe.poll(MAX_SECONDS)
            found: Loaded | str = pipe.recv() if answered else f"it cannot be read within {MAX_SECONDS:.0f} seconds"
        except (EOFError, OSError):
            answered = False
            found = "what reads it has crashed"
        if not answered:
            self.close()
        if isinstance(found, Loaded):
            return found
        raise ValueError(found)

    def close(self) -> None:
        """Stop the process."""
        if self._child:
            process, pipe = self._child
            pipe.close()
            process.kill()
            process.wait()
        self._child = None


def reason_of(error: Exception) -> str:
    """What to tell an admin: our own sentence, or the parser's in short."""
    if isinstance(error, ImportError):
        return f"a library is missing: {error.name}; install Greffier again"
    if isinstance(error, MemoryError):
        return "it takes too much memory"
    if isinstance(error, UnicodeEncodeError):
        return "its name is not in UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, zipfile.BadZipFile):
        return "it is broken: not a zip, as this format is"
    text = " ".join(str(error).split())[:200]
    said = f"{type(error).__name__} {text}".lower()
    if any(word in said for word in ("encrypt", "decrypt", "cryptography")):
        return "it is encrypted"
    return text if isinstance(error, ValueError) and text else f"it is broken: {type(error).__name__} {text}".rstrip()


def _started() -> tuple[Popen[bytes], Connection]:
    """No fork, since others' threads and connections would be copied; no multiprocessing, which runs a script again."""
    ours, theirs = Pipe()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GREFFIER_")}  # no secrets
    process = Popen(  # noqa: S603 - ourselves
        [sys.executable, "-m", "chains.corpora.apart", str(theirs.fileno()), str(MAX_MEMORY)],
        stdin=DEVNULL,
        pass_fds=[theirs.fileno()],
        env=kept | {"PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"},  # else memory for each core
        start_new_session=True,  # Ctrl-C is for us, who then stop it
    )
    theirs.close()  # so that ours ends with the process
    return process, ours


def _serve(pipe: Connection) -> None:
    """What the process does, until the other end is closed."""
    while True:
        try:
            file = pipe.recv()
        except EOFError:
            return
        try:
            found: Loaded | str = LOADERS[file.suffix.lower()](file)
        except Exception as error:  # a stranger's file: its parser may raise anything
            found = reason_of(error)
        pipe.send(found)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[2]), int(sys.argv[2])))
    _serve(Connection(int(sys.argv[1])))
