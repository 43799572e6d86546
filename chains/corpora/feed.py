"""The files of a feed of service-public.fr, and the two forms that a sheet has: XML, and JSON made of it."""

from __future__ import annotations

import json
import logging
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from connector.errors import ConfigurationError

log = logging.getLogger("greffier.corpus")

MAX_SHEET_BYTES = 16 * 1024 * 1024
"""The largest sheet seen has 2.6 MB."""
MAX_FEED_BYTES = 1024 * 1024 * 1024
"""The sheets of all three feeds together have less than half of that, unpacked."""

DC = "{http://purl.org/dc/elements/1.1/}"

_SHEET = re.compile(r"F\d+\.(?:xml|json)")


def sheet_files(path: Path, unreadable: list[str]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file that may be a sheet, within the limits on sizes.

    Raises ConfigurationError if there is no such path, or more in it than a feed may have.
    """
    budget = MAX_FEED_BYTES
    if not path.exists():
        raise ConfigurationError(f"{path} does not exist: give the feed's zip, or a folder with its files")
    for source in [path] if path.is_file() else sorted(path.rglob("*")):
        files = _members(source, unreadable) if source.suffix == ".zip" else _plain(source, unreadable)
        for name, content in files:
            budget -= len(content)
            if budget < 0:
                raise ConfigurationError(f"{path} holds more than {MAX_FEED_BYTES} bytes of sheets: it is not the feed")
            if len(content) > MAX_SHEET_BYTES:
                log.warning("%s is left out: over %s bytes", name, MAX_SHEET_BYTES)
                unreadable.append(f"{name}: over {MAX_SHEET_BYTES} bytes")
                continue
            yield name, content


def root_of(content: bytes) -> Element:
    """The root of a sheet in either form. Raises ValueError or a parser's error if it is neither."""
    if content.lstrip()[:1] != b"{":
        root: Element = fromstring(content)
        return root
    match json.loads(content):
        case {"children": [{"type": "element"} as node]}:
            return _element(node)
    raise ValueError("not a sheet: no element in its JSON")


def _element(node: Mapping[str, Any]) -> Element:
    """An element from its JSON (https://www.npmjs.com/package/xml-js); `children` is absent where there are none."""
    attributes = {name: str(value) for name, value in (node.get("attributes") or {}).items()}
    element = Element(str(node["name"]).replace("dc:", DC), attributes)
    last = None
    for child in node.get("children") or ():
        if child.get("type") == "element":
            last = _element(child)
            element.append(last)
        elif last is None:
            element.text = (element.text or "") + str(child.get("text", ""))
        else:
            last.tail = (last.tail or "") + str(child.get("text", ""))
    return element


def _plain(source: Path, unreadable: list[str]) -> Iterator[tuple[str, bytes]]:
    if _SHEET.fullmatch(source.name) and source.is_file():
        try:
            with source.open("rb") as file:
                content = file.read(MAX_SHEET_BYTES + 1)
        except OSError as error:
            log.warning("%s is left out: %s", source, error)
            unreadable.append(str(source))
            return
        yield str(source), content


def _members(source: Path, unreadable: list[str]) -> Iterator[tuple[str, bytes]]:
    """The sheets in a zip, read in memory: nothing is ever written where a member's name says."""
    try:
        with zipfile.ZipFile(source) as archive:
            for member in archive.infolist():
                if _SHEET.fullmatch(PurePosixPath(member.filename).name):
                    name = f"{source}:{member.filename}"
                    try:
                        with archive.open(member) as file:
                            content = file.read(MAX_SHEET_BYTES + 1)
                    except _DAMAGED as error:
                        log.warning("%s is left out: %s", name, error)
                        unreadable.append(f"{name}: {error}")
                        continue
                    yield name, content
    except (zipfile.BadZipFile, OSError) as error:
        raise ConfigurationError(f"{source} is not a readable zip: {error}") from None


_DAMAGED = (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError)
"""What reading a damaged or encrypted member may raise."""
