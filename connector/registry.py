"""The kinds of helpdesk that exist: the only list. A new kind is its folder and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from connector.helpdesk import Helpdesk
from connector.settings import HelpdeskSettings
from connector.zammad.client import Zammad
from connector.zammad.settings import ZammadSettings


@dataclass(frozen=True, slots=True)
class HelpdeskKind:
    """How a helpdesk of this kind is configured, and how it is called: `client(name, settings)` calls nobody yet."""

    settings: type[HelpdeskSettings]
    client: Callable[[str, Any], Helpdesk]


HELPDESKS: dict[str, HelpdeskKind] = {
    "zammad": HelpdeskKind(client=Zammad, settings=ZammadSettings),
}
