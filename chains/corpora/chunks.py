"""Sections of a document to passages of a size that can be found, shown and cited."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from textwrap import wrap

MAX_CHUNK = 1000
"""In characters: paragraphs are packed up to it, with the titles in front of them where they share a passage."""
SMALL_CHUNK = 500
"""A passage under that takes in the piece that follows, as long as both fit."""
SMALL_PIECE = 250
"""A piece under that joins the passage before it, as long as both fit."""
MAX_ANNOUNCEMENT = 200
"""In characters: the longest line that is said again where its list is cut. It comes on top of `MAX_CHUNK`."""

_SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+")

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks of text (paragraphs, items, table rows) under one path of titles."""

    path: Path
    blocks: list[str]


def chunks(sections: Iterable[Section]) -> list[tuple[Path, str]]:
    """Passages as (path, text), and each piece of text once.

    Where pieces of several sections share a passage, it has no path of its own, and each piece has all its titles in
    front of it: what holds in one case only stays tied to that case.
    """
    merged: list[list[tuple[Path, str]]] = []
    for piece in dict.fromkeys((section.path, text) for section in sections for text in _pack(section.blocks)):
        if merged and _fits(merged[-1], piece):
            merged[-1].append(piece)
        else:
            merged.append([piece])
    return [_render(pieces) for pieces in merged]


def titled(path: Path, text: str) -> str:
    """A text with the titles that lead to it in front."""
    return f"{' > '.join(path)} : {text}" if path else text


def _pack(blocks: list[str]) -> Iterator[str]:
    """Blocks packed into pieces. A list that is cut says again what it is a list of."""
    piece: list[str] = []
    length = 0
    announcement = ""
    for block in chain.from_iterable(map(_split, blocks)):
        if piece and length + len(block) > MAX_CHUNK:
            yield "\n".join(piece)
            piece, length = [], 0
        item = block.startswith("- ")
        if item and announcement and not piece:
            piece.append(announcement)
        if not item:
            announcement = block if block.endswith(":") and len(block) <= MAX_ANNOUNCEMENT else ""
        piece.append(block)
        length += len(block) + 1
    if piece:
        yield "\n".join(piece)


def _split(block: str) -> Iterator[str]:
    """A block that is too long, cut at the ends of sentences, or of words where a sentence has no end."""
    if len(block) <= MAX_CHUNK:
        yield block
        return
    part = ""
    for sentence in _SENTENCE_END.split(block):
        for line in wrap(sentence, MAX_CHUNK, break_on_hyphens=False) if len(sentence) > MAX_CHUNK else [sentence]:
            if part and len(part) + len(line) >= MAX_CHUNK:
                yield part
                part = ""
            part = f"{part} {line}".strip()
    yield part


def _fits(pieces: list[tuple[Path, str]], piece: tuple[Path, str]) -> bool:
    here, there = len(_joined(pieces)), len(titled(*piece))
    return (here < SMALL_CHUNK or there < SMALL_PIECE) and here + there < MAX_CHUNK


def _joined(pieces: list[tuple[Path, str]]) -> str:
    return "\n".join(titled(path, text) for path, text in pieces)


def _render(pieces: list[tuple[Path, str]]) -> tuple[Path, str]:
    paths = {path for path, _ in pieces}
    if len(paths) > 1:
        return (), _joined(pieces)
    return paths.pop(), "\n".join(text for _, text in pieces)
