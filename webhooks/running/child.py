"""Starts a program that does not outlive us: the kernel signals it when we are gone, even by `kill -9` (Linux).

Run as a script this file is the step between: it asks the kernel for that, then becomes the program. (To ask between
fork and exec instead would run Python in a copy of a process that may have threads.)
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO

PR_SET_PDEATHSIG = 1  # prctl(2)


def spawn(
    command: Sequence[str],
    *,
    when_orphaned: signal.Signals,
    user: str = "",
    environment: Mapping[str, str] | None = None,
    output: IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Run a program in a session of its own, so that a Ctrl-C reaches us alone; as `user` if we are root.

    It gets `when_orphaned` when the thread that called this ends, which should be the main one. Its output goes where
    ours does, or to `output`.
    """
    step = [sys.executable, "-I", "-S", __file__, str(int(when_orphaned)), str(os.getpid()), user]
    return subprocess.Popen(  # noqa: S603 - our own programs
        [*step, *command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env={**os.environ, **environment} if environment else None,
        start_new_session=True,
    )


def _become(when_orphaned: int, parent: int, user: str, command: list[str]) -> None:
    if user:  # first: a change of user takes the request to the kernel back
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, when_orphaned, 0, 0, 0) != 0:
        sys.exit("prctl: refused")
    if os.getppid() != parent:  # it went before we could ask
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - there is no shell


if __name__ == "__main__":
    _become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
