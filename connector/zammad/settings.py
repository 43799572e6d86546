"""What a Zammad is configured with."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import AwareDatetime, Field, SecretStr, field_validator, model_validator

from connector.settings import HelpdeskSettings, Url


class ZammadSettings(HelpdeskSettings):
    """One Zammad, and the account that Greffier has there."""

    kind: Literal["zammad"]
    """The word `zammad`."""
    url: Url
    """The address at which agents open Zammad, without `/api/v1`."""
    token: SecretStr
    """An access token of Greffier's account, with the permission `ticket.agent`. In Zammad: profile, Token Access."""
    webhook_secret: SecretStr | None = Field(default=None, min_length=1, max_length=200)
    """The "HMAC SHA1 Signature Token" of the webhook in Zammad, at most 200 characters. Needed where `intake` is
    `webhook`."""
    previous_webhook_secret: SecretStr | None = Field(default=None, min_length=1, max_length=200)
    """The signature token before, still accepted while it is being replaced."""
    previous_webhook_secret_until: AwareDatetime | None = None
    """From this moment on the signature token before is refused. By default it is accepted as long as it is set."""
    offer_draft: bool = False
    """Also offer the clean text as a shared draft, which agents find in their editor, in groups that allow it. A draft
    that a person has touched is left alone."""
    sender: Literal["system", "agent"] = "system"
    """In whose name notes are written: `system` is silent, `agent` notifies and mails the agents of the group."""
    knowledge_locale: str = Field(default="fr-fr", pattern=r"^[a-z]{2,3}(-[a-z]{2,8})?$")
    """The language of the knowledge base's public pages, as their address has it: `/help/fr-fr/...`."""
    timeout: float = Field(default=30.0, gt=0, le=300)
    """Seconds that Zammad may take to answer a call."""
    ca_bundle: Path | None = None
    """A file of certificates in PEM form, where a private authority signed Zammad's."""

    @field_validator("token")
    @classmethod
    def _fits_a_header(cls, token: SecretStr) -> SecretStr:
        value = token.get_secret_value()
        if not value or not all("!" <= character <= "~" for character in value):
            raise ValueError("an access token is made of letters, digits and signs, without spaces or line ends")
        return token

    @model_validator(mode="after")
    def _is_reachable(self) -> Self:
        if self.intake == "webhook" and self.webhook_secret is None:
            raise ValueError('set webhook_secret, or intake = "poll" where Zammad cannot call us')
        return self

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """Each secret that a delivery may be signed with now; empty where there is no webhook."""
        until = self.previous_webhook_secret_until
        expired = until is not None and datetime.now(UTC) >= until
        secrets = (self.webhook_secret, None if expired else self.previous_webhook_secret)
        return tuple(secret.get_secret_value() for secret in secrets if secret)
