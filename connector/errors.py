"""The errors that cross the borders between our three packages."""

from __future__ import annotations


class GreffierError(Exception):
    """Something that Greffier can explain to an admin in one sentence."""


class ConfigurationError(GreffierError):
    """A setting is missing or wrong; the message names it and says what is allowed."""


class Refused(GreffierError):
    """A delivery that is not taken: not genuine, unreadable or too large.

    `status` is the HTTP status that the sender is given. Nothing is stored.
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class RemoteError(GreffierError):
    """A neighbour (helpdesk, model server) failed or said no.

    `permanent` alone decides what happens next: False is an outage and is tried again for a day,
    True will not get better by waiting. `status` is the neighbour's HTTP status, None if there was no answer;
    `retry_after` is in seconds, where the neighbour asked for a pause.
    """

    def __init__(
        self, message: str, *, permanent: bool, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.status = status
        self.retry_after = retry_after

    @property
    def is_away(self) -> bool:
        """Whether the whole neighbour is away, and not only what was asked for: no answer, or one of a proxy's."""
        return not self.permanent and self.status in (None, 429, 502, 503, 504)


class CredentialsRefused(RemoteError):
    """The neighbour lets our key in nowhere: no attempt will help until an admin has changed that."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message, permanent=False, status=status)
