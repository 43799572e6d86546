"""The sandbox helpdesk: the part of Zammad that Greffier meets, and a web page for people.

It is the helpdesk of `greffier demo` and the test double of the whole suite, written against Zammad as it was seen
running and not against our connector.
"""

from webhooks.demo.sandbox.config import SandboxConfig
from webhooks.demo.sandbox.faults import Faults
from webhooks.demo.sandbox.server import Sandbox, create_sandbox
from webhooks.demo.sandbox.webhook import Webhook

__all__ = ["Faults", "Sandbox", "SandboxConfig", "Webhook", "create_sandbox"]
