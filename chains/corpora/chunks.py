"""Sections of a document to passages of a size that can be found, shown and cited."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

MAX_CHUNK = 1000
"""In characters: paragraphs are packed up to it."""
SMALL_CHUNK = 500
"""A piece under that is put together with its neighbour, as long as both fit."""
MAX_ANNOUNCEMENT = 200
"""In characters: the longest line that is said again where its list is cut."""

_SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+")

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks of text (paragraphs, items, table rows) under one path of titles."""

    path: Path
    blocks: list[str]


def chunks(sections: list[Section]) -> list[tuple[Path, str]]:
    """Passages as (path, text), each once.

    Where pieces of several sections share a passage, its path is what they have in common, and each piece keeps the
    rest of its own titles in front of it: what holds in one case only stays tied to that case.
    """
    merged: list[list[tuple[Path, str]]] = []
    for section in sections:
        for text in _pack(section.blocks):
            piece = (section.path, text)
            if merged and _fits(merged[-1], piece):
                merged[-1].append(piece)
            else:
                merged.append([piece])
    return list(dict.fromkeys(_render(pieces) for pieces in merged))


def _pack(blocks: list[str]) -> Iterator[str]:
    """Blocks packed into pieces. A list that is cut says again what it is a list of."""
    piece: list[str] = []
    announcement = ""
    for block in chain.from_iterable(map(_split, blocks)):
        item = block.startswith("- ")
        if piece and len("\n".join([*piece, block])) > MAX_CHUNK:
            if item and piece[-1] == announcement:
                piece.pop()
            if piece:
                yield "\n".join(piece)
            piece = [announcement] if item and announcement else []
        if not item:
            announcement = block if block.endswith(":") and len(block) <= MAX_ANNOUNCEMENT else ""
        piece.append(block)
    if piece:
        yield "\n".join(piece)


def _split(block: str) -> Iterator[str]:
    """A block that is too long, cut at the ends of sentences."""
    if len(block) <= MAX_CHUNK:
        yield block
        return
    part = ""
    for sentence in _SENTENCE_END.split(block):
        if part and len(part) + len(sentence) >= MAX_CHUNK:
            yield part
            part = ""
        part = f"{part} {sentence}".strip()
    yield part


def _fits(pieces: list[tuple[Path, str]], piece: tuple[Path, str]) -> bool:
    here, there = sum(len(text) for _, text in pieces), len(piece[1])
    return min(here, there) < SMALL_CHUNK and len(_render([*pieces, piece])[1]) <= MAX_CHUNK


def _render(pieces: list[tuple[Path, str]]) -> tuple[Path, str]:
    common = _common([path for path, _ in pieces])
    lines: list[str] = []
    before = common
    for path, text in pieces:
        label = " > ".join(path[len(common) :])
        lines.append(f"{label} : {text}" if label and path != before else text)
        before = path
    return common, "\n".join(lines)


def _common(paths: list[Path]) -> Path:
    shared = []
    for titles in zip(*paths, strict=False):
        if len(set(titles)) > 1:
            break
        shared.append(titles[0])
    return tuple(shared)
