"""What applies to the tickets of a group. Light: what asks the chain need not import it."""

from __future__ import annotations

from dataclasses import dataclass

from chains.stores.store import SHARED, Within

MIN_COSINE = 0.86
"""Nothing further than that answers the question. On the scale of multilingual-e5-small: another model has its own."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How the messages of a group are answered. Chosen by code from the ticket's group, never from a text.

    `within` is what may be found for them; `tone` tells the model how to write, empty for no wish. `passages` is how
    many passages it is shown at most, and `min_cosine` how near the best of them must be to the question.
    """

    within: Within = SHARED
    tone: str = ""
    passages: int = 6
    min_cosine: float = MIN_COSINE


DEFAULT = Profile()
"""All that is everybody's, in no special tone."""
