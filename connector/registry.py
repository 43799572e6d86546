"""The kinds of helpdesk that exist: the only list. A new kind is its folder and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from connector.helpdesk import Helpdesk, Receiver
from connector.settings import HelpdeskSettings
from connector.zammad.receiver import ZammadReceiver
from connector.zammad.settings import ZammadSettings


@dataclass(frozen=True, slots=True)
class HelpdeskKind:
    """How a helpdesk of this kind is configured, and how it is built, from its name and settings; nobody is called yet.

    `client` imports what a client needs (HTTP, HTML) when it is first asked for: the web process only receives.
    """

    settings: type[HelpdeskSettings]
    receiver: Callable[[str, Any], Receiver]
    client: Callable[[str, Any], Helpdesk]


def _zammad(name: str, settings: ZammadSettings) -> Helpdesk:
    from connector.zammad.client import Zammad

    return Zammad(name, settings)


HELPDESKS: dict[str, HelpdeskKind] = {
    "zammad": HelpdeskKind(settings=ZammadSettings, receiver=ZammadReceiver, client=_zammad),
}
