"""Files and folders: PDF, HTML, Markdown, plain text, DOCX, ODT and CSV."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from chains.corpora.apart import APART, Apart, reason_of
from chains.corpora.document import Document, Loaded, cut_document
from chains.corpora.loaders import CONVERT, LOADERS, is_title
from chains.corpora.plain import visible
from connector.errors import ConfigurationError

log = logging.getLogger("greffier.corpus")

MAX_BYTES = 64 * 1024 * 1024
"""Of one file."""
MAX_CHARS = 5_000_000
"""Of the text of one file, about two thousand pages."""


def read_files(
    path: Path, *, corpus: str, unreadable: list[str], notes: list[str], base_url: str = ""
) -> Iterator[Document]:
    """A document for each file that can be read, in a folder and the folders in it, or of that one file.

    Its address is `base_url` with its place in the folder, or that place alone without one; its theme is the folder
    that it is in; its date is what it says of itself, else when it was changed. Files that are hidden, or links to
    somewhere outside, are passed over, and so are formats that are not read. A file that is too large, broken or
    encrypted is left out; the log says why, and so does `unreadable`. So does `notes` of a file without text, of one
    that should be saved in another format, and of one that is too long to be read to its end. Raises
    ConfigurationError without any file that can be read.
    """
    if not path.exists():
        raise ConfigurationError(f"{path} does not exist: give a file or a folder")
    root = path if path.is_dir() else path.parent
    known = False
    with closing(Apart()) as apart:
        for file in _files(path):
            place = file.relative_to(root).as_posix()
            shown = place.encode(errors="backslashreplace").decode()
            if file.suffix.lower() not in LOADERS:
                if form := CONVERT.get(file.suffix.lower()):
                    _tell(notes, shown, f"save it as {form}")
                continue
            known = True
            try:
                loaded = _loaded(file, place, apart)
                document = _document(loaded, file, place, corpus, base_url)
            except Exception as error:  # a stranger's file: its parser may raise anything
                _tell(unreadable, shown, reason_of(error))
                continue
            if loaded.cut:
                _tell(notes, shown, loaded.cut)
            if document.passages:
                yield document
            else:
                _tell(notes, shown, "it holds no text; a scanned page needs character recognition first")
    if not known:
        raise ConfigurationError(f"{path} holds no file that is read: {', '.join(LOADERS)}")


def _files(path: Path) -> Iterator[Path]:
    """The files in a folder in the order of their names, without hidden ones and links that lead out of it."""
    if path.is_file():
        yield path
        return
    inside = path.resolve()
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder, name)
            if not name.startswith((".", "~$")) and file.is_file() and file.resolve().is_relative_to(inside):
                yield file


def _tell(told: list[str], place: str, reason: str) -> None:
    text = visible(f"{place}: {reason}")
    log.warning("left out or cut: %s", text)
    told.append(text)


def _loaded(file: Path, place: str, apart: Apart) -> Loaded:
    place.encode()  # a name that is not in UTF-8 cannot be an id
    if file.stat().st_size > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES} bytes")
    form = file.suffix.lower()
    loaded = apart(file) if form in APART else LOADERS[form](file)
    if sum(len(block) for section in loaded.sections for block in section.blocks) > MAX_CHARS:
        raise ValueError(f"its text has more than {MAX_CHARS} characters")
    return loaded


def _document(loaded: Loaded, file: Path, place: str, corpus: str, base_url: str) -> Document:
    return cut_document(
        loaded.sections,
        id=f"{corpus}:{place}",
        corpus=corpus,
        title=loaded.title if is_title(loaded.title) else _named(file),
        url=f"{base_url.rstrip('/')}/{quote(place)}" if base_url else place,
        date=loaded.date or datetime.fromtimestamp(file.stat().st_mtime, UTC).date(),
        theme=place.rpartition("/")[0].partition("/")[0],
    )


def _named(file: Path) -> str:
    return " ".join(file.stem.replace("_", " ").replace("-", " ").split()) or file.name
