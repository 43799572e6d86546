"""What a Zammad is configured with."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from connector.settings import HelpdeskSettings, Url


class ZammadSettings(HelpdeskSettings):
    """One Zammad, and the account that Greffier has there."""

    kind: Literal["zammad"]
    """The word `zammad`."""
    url: Url
    """The address at which agents open Zammad, without `/api/v1`."""
    token: SecretStr
    """An access token of Greffier's account, with the permission `ticket.agent`. In Zammad: profile, Token Access."""
    webhook_secret: SecretStr = Field(min_length=1)
    """The "HMAC SHA1 Signature Token" of the webhook in Zammad, at most 200 characters."""
    previous_webhook_secret: SecretStr | None = Field(default=None, min_length=1)
    """The signature token before, still accepted while it is being replaced."""
    sender: Literal["system", "agent"] = "system"
    """In whose name notes are written: `system` is silent, `agent` notifies and mails the agents of the group."""
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

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """Each secret that a delivery may be signed with; never empty."""
        secrets = (self.webhook_secret, self.previous_webhook_secret)
        return tuple(secret.get_secret_value() for secret in secrets if secret)
