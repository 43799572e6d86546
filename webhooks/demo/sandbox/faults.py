"""What a test or a demonstration can make go wrong, while the helpdesk runs."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal


@dataclass(slots=True)
class Faults:
    """Plain attributes, to be set at any time; the defaults are a helpdesk in good health. Times are in seconds."""

    tokens: Literal["valid", "revoked", "expired", "disabled"] = "valid"
    """Every token alike; `disabled` is Zammad's setting `api_token_access` switched off."""
    maintenance: bool = False
    """The API answers 403, as Zammad's maintenance mode does to whoever is no admin."""
    api_delay: float = 0.0
    """Before each answer of the API: longer than the client's patience makes a time-out."""
    api_failures: int = 0
    """The next so many calls are answered `api_status` with an HTML page, as a proxy in front would."""
    api_status: int = 503
    lost_answers: int = 0
    """The next so many articles are stored, and the connection is cut before the answer."""
    copies: int = 1
    """How many deliveries each event makes, each with its own id, as several triggers would; 0 loses them."""
    delivery_delay: float = 0.0
    """Before the first attempt; a Zammad without work to do takes 2.5 to 5 seconds."""
    delivery_jitter: float = 0.0
    """A random wait of up to so long on top, so that deliveries overtake each other."""
    retry_scale: float = 1.0
    """Factor on the waits of 10, 20, 30 and 40 seconds between attempts."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def take(self, name: Literal["api_failures", "lost_answers"]) -> bool:
        """Use up one of a number of faults; False if none is left."""
        with self._lock:
            left: int = getattr(self, name)
            setattr(self, name, max(0, left - 1))
            return left > 0
