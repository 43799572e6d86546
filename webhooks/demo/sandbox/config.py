"""Who and what is in the sandbox at the start."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from webhooks.demo.sandbox.people import utc_now
from webhooks.demo.sandbox.webhook import Webhook


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """People are given as `First Last <address>`; the address is the login."""

    version: str = "5.2"
    """The version of Zammad that it speaks as, a key of `versions.VERSIONS`."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """The token of the AI account, good for `ticket.agent` alone."""
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)
    """Everybody's."""
    account: str = "Greffier (IA) <greffier@valbrume.example>"
    """The AI account: it reads and changes tickets of `groups`, and nothing else."""
    groups: tuple[str, ...] = ("État civil", "Urbanisme")
    other_groups: tuple[str, ...] = ("Ressources humaines",)
    """Groups that the AI account has no access to."""
    agents: tuple[str, ...] = (
        "Noémie Lefèvre <agent@valbrume.example>",
        "Claire Morand <claire.morand@valbrume.example>",
    )
    """They have full access to every group, so that Zammad tells them of every article."""
    admin: str = "Ada Sourdin <admin@valbrume.example>"
    """Who sets things up; no agent, unless the address is among the agents' too."""
    citizens: tuple[str, ...] = (
        "Jeanne Vauquelin <jeanne.vauquelin@exemple.example>",
        "Lucien Béraud <lucien.beraud@exemple.example>",
        "Irène Péguy <irene.peguy@exemple.example>",
        "Emily Carter <emily.carter@exemple.example>",
    )
    webhooks: tuple[Webhook, ...] = ()
    clock: Callable[[], datetime] = utc_now
