"""The file that `greffier config init` writes: what must be filled in, and what most people look at next."""

from __future__ import annotations

from pathlib import Path

from connector.errors import ConfigurationError
from webhooks.config.drafting import ReplySettings
from webhooks.config.processes import WebSettings, WorkerSettings
from webhooks.config.sources import FILL_IN

TEMPLATE = """\
# Greffier's settings. Fill in what says FILL IN, put the secrets into their files, then run `greffier check`.
# All settings, their defaults and what they mean: docs/configuration.md. Those in force: `greffier config show`.

# The folder of the PostgreSQL that `greffier run` keeps for itself.
data = "{data}"
# Or, in its place, a PostgreSQL of yours: the file holds postgresql://user:password@host/database
# database_url_file = "{folder}/database_url"

[helpdesks.mairie]
# "mairie" is a name of your own, in lower-case letters and digits: the last part of the webhook's address.
kind = "zammad"
url = "{fill_in}: the address at which agents open Zammad"
# An access token of Greffier's account in Zammad: docs/zammad.md says which rights it wants.
token_file = "{folder}/token"
# Yours to choose, for instance with: openssl rand -hex 32
webhook_secret_file = "{folder}/webhook_secret"
# Where Zammad cannot reach Greffier, in place of the webhook and its secret:
# intake = "poll"

[helpdesks.mairie.groups]
# None by default: nobody is drafted for by surprise. "draft", or "off" to say that a group is left out on purpose.
"{fill_in}: the full name of a group" = "draft"

[chat]
# The model that writes, behind any server that speaks OpenAI's protocol.
base_url = "{fill_in}: the model server's address, up to and with /v1"
model = "{fill_in}: the model's name, as that server knows it"
# api_key_file = "{folder}/chat_api_key"

[sources.service-public]
# What drafts are made from, by a name of your own. `greffier index` reads it, and then the worker each day.
# There may be several. Other kinds: "travail", "answers", "files"; and "knowledge", the helpdesk's own knowledge base,
# which needs no path.
kind = "service-public"
path = "{fill_in}: the feed of service-public.fr, a zip or a folder"
# A sheet that was updated longer ago is marked in the notes that cite it.
# max_age_days = 365

[embeddings]
# The model that finds. Without an address it is a small one in this process, from the extra `embedded`.
# base_url = "http://gpu.example:8001/v1"
# model = "intfloat/multilingual-e5-small"

[reply]
# What tells the citizen that an AI helped; it closes each draft.
# mention = "{mention}"
# What holds for some groups only, such as their signature or the sources that are searched: `[[profile]]`.

[web]
# Where webhooks are taken in: put your TLS proxy before it.
# host = "{host}"
# port = {port}

[worker]
# Answers that the model is asked for at once: as many as its server has places for.
# concurrency = {concurrency}
"""


def text(folder: Path) -> str:
    """The file's text; the secrets' files are in that folder."""
    folder = folder.absolute()
    return TEMPLATE.format(
        folder=folder,
        data="/var/lib/greffier" if folder.is_relative_to("/etc") else folder / "data",
        fill_in=FILL_IN,
        mention=ReplySettings().mention,
        host=WebSettings().host,
        port=WebSettings().port,
        concurrency=WorkerSettings().concurrency,
    )


def write(file: Path) -> None:
    """Write it to a new file. Raises ConfigurationError if there is one, or it cannot be written."""
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text(file.parent))
    except FileExistsError:
        raise ConfigurationError(f"{file}: there is one already, which is left as it is") from None
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be written: {error.strerror}") from None
