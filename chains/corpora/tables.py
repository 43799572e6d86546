"""What is found out about a table of text before it is read."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path


def encoding_of(file: Path) -> str:
    """UTF-8, with or without its mark, or what French spreadsheets write."""
    try:
        with file.open(encoding="utf-8-sig") as stream:
            while list(islice(stream, 10_000)):
                pass
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def separator_of(file: Path, encoding: str) -> str:
    """What separates the columns: semicolon, comma or tabulation."""
    with file.open(encoding=encoding, errors="replace", newline="") as stream:
        header = stream.readline(65_536)
    try:
        return csv.Sniffer().sniff(header, delimiters=";,\t").delimiter
    except csv.Error:  # one column
        return ","
