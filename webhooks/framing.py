"""Where an HTTP/1 request ends, in the bytes that have come so far. No I/O, and no judgement: that is the parser's."""

from __future__ import annotations

import re
from enum import Enum

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes; Zammad allows articles of 1.5 million characters, about 4 MB once escaped."""
HEADER_FIELDS, HEADER_FIELD_SIZE = 50, 4094
MAX_HEAD = HEADER_FIELDS * (HEADER_FIELD_SIZE + 2) + 4
"""Bytes of request line and headers."""
_FRAMED = re.compile(rb"^(?:content-length|transfer-encoding)\b", re.IGNORECASE | re.MULTILINE)
_LENGTH = re.compile(rb"^content-length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r$", re.IGNORECASE | re.MULTILINE)
_CHUNKED = re.compile(rb"^transfer-encoding[ \t]*:[ \t]*chunked[ \t]*\r$", re.IGNORECASE | re.MULTILINE)
_SIZE_LINE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?")
_BEGUN_SIZE_LINE = re.compile(rb"[0-9a-fA-F]{0,15}(?:[ \t;\r].{0,1000})?", re.DOTALL)


class Progress(Enum):
    """How far a request has come."""

    ARRIVING = "arriving"
    WHOLE = "whole"
    """All of it is there, and perhaps the beginning of the next one."""
    UNREADABLE = "unreadable"
    """Where it ends cannot be known: a parser that is given what there is will say what is wrong."""
    HEAD_TOO_LARGE = "head too large"
    BODY_TOO_LARGE = "body too large"


class Arrival:
    """The bytes of a connection, and how far they reach. Each is looked at once, however slowly they come."""

    def __init__(self, max_body: int) -> None:
        self.data = bytearray()
        self.progress = Progress.ARRIVING
        self._max_body = max_body
        self._seen = 0  # where to look on: for the head's end, then for the size of the next chunk
        self._decoded = 0  # bytes in the chunks before
        self._end: int | None = None  # where the request ends, once that is known
        self._look = self._find_head

    def add(self, data: bytes) -> Progress:
        """Take some bytes, and say how far the request has come."""
        self.data += data
        self.progress = self._look()
        return self.progress

    def _find_head(self) -> Progress:
        end = self.data.find(b"\r\n\r\n", max(0, self._seen - 3))
        self._seen = len(self.data)
        if end >= 0:
            self._seen = end + 4
            return self._read_head(bytes(self.data[: self._seen]))
        return Progress.ARRIVING if len(self.data) <= MAX_HEAD else Progress.HEAD_TOO_LARGE

    def _read_head(self, head: bytes) -> Progress:
        lengths, framed = _LENGTH.findall(head), _FRAMED.findall(head)
        if len(framed) == 1 and _CHUNKED.search(head):
            self._look = self._walk_chunks
        elif len(framed) == len(lengths) <= 1:
            self._end = len(head) + sum(map(int, lengths))
            self._look = self._wait_for_end
        else:
            return Progress.UNREADABLE
        return self._look()

    def _wait_for_end(self) -> Progress:
        assert self._end is not None  # noqa: S101 - or else we would not be here
        if self._end - self._seen > self._max_body:
            return Progress.BODY_TOO_LARGE
        return Progress.WHOLE if len(self.data) >= self._end else Progress.ARRIVING

    def _walk_chunks(self) -> Progress:
        """Go from chunk to chunk as far as there are any."""
        while True:
            line_end = self.data.find(b"\r\n", self._seen)
            if line_end < 0:
                is_line = _BEGUN_SIZE_LINE.fullmatch(self.data, self._seen)
                return Progress.ARRIVING if is_line else Progress.UNREADABLE
            line = _SIZE_LINE.fullmatch(self.data, self._seen, line_end)
            if line is None:
                return Progress.UNREADABLE
            size = int(line[1], 16)
            if size == 0:
                return self._end_chunks(line_end)
            if self._decoded + size > self._max_body:
                return Progress.BODY_TOO_LARGE
            if line_end + size + 4 > len(self.data):
                return Progress.ARRIVING
            self._seen, self._decoded = line_end + size + 4, self._decoded + size

    def _end_chunks(self, line_end: int) -> Progress:
        """After the last chunk come trailers, mostly none, and an empty line."""
        if self.data.find(b"\r\n\r\n", line_end) >= 0:
            return Progress.WHOLE
        return Progress.ARRIVING if len(self.data) - line_end <= MAX_HEAD else Progress.HEAD_TOO_LARGE
