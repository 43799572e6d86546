"""The sandbox helpdesk: the part of Zammad that Greffier meets, and a web page for people.

It is the helpdesk of `greffier demo` and the test double of the whole suite, written against Zammad as it was seen
running and not against our connector.

Kept otherwise on purpose:

- What is not there: mail (none is sent or fetched, no answer gets a signature), Zammad's own triggers and automatic
  replies, service level agreements, organisations, Elasticsearch (the recorded one had none either). A trigger calls a
  webhook and does nothing else. All is in memory, and gone at the end.
- A delivery leaves at once, where an idle Zammad takes 2.5 to 5 seconds; `Faults.delivery_delay` brings them back.
- On the page anybody is citizen and agent without signing in. A shared draft is shown cleaned, where 5.2 shows it as it
  is, and applied as plain text with the address behind each link. Macros are applied as by the classic pages.

Where an answer, a delivery or cleaned HTML has another shape than what was recorded (5.2) or read in the source (6.5 to
7.x), it is in a table `KEPT` with its reason, and a test fails once it is no longer so: `test_recordings.py`,
`test_from_source.py` and `test_sanitiser.py` in `tests/webhooks/demo/sandbox`.
"""

from webhooks.demo.sandbox.config import SandboxConfig
from webhooks.demo.sandbox.faults import Faults
from webhooks.demo.sandbox.server import Sandbox, create_sandbox
from webhooks.demo.sandbox.webhook import Webhook

__all__ = ["Faults", "Sandbox", "SandboxConfig", "Webhook", "create_sandbox"]
