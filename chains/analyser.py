"""French text to stems: the one analyser that every store is fed through, for documents and for questions."""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache

import Stemmer

ANALYSER_VERSION = "fr-1"
"""Changed by hand with anything that changes the stems: an index made by another version is not searched."""

# Snowball's list of French function words, without accents where mails forget them, one-letter words left out
_FUNCTION_WORDS = """
au aux avec ce ces cet cette dans de des du elle elles en et eux il ils je la le les leur leurs lui ma mais me meme
même mes moi mon ne ni nos notre nous on ou où par pas pour qu que quel quelle quelles quels qui quoi sa sans se ses si
son sur ta te tes toi ton tu un une vos votre vous ca ça cela ceci ici là lorsqu lorsque puisqu puisque quoiqu jusqu
est es suis sommes êtes etes sont étais etais était etait étaient etaient étant etant serai sera serons seront serait
seraient soit soient fus fut furent eu eue eus ayant aie ait aient avais avait avaient avons avez aura aurai auront
aurait auraient comme donc dont alors aussi ainsi car entre vers très tres tout toute tous toutes plus
"""

# What mails are full of and no sheet is about: greetings, politeness, verbs of asking
_MAIL_WORDS = """
bonjour bonsoir merci avance cordialement salutations madame monsieur mesdames messieurs mme mlle mr svp stp
voudrais veux souhaite souhaites souhaitons souhaiterais souhaiterait souhaiterions aimerais aimerait désire desire
savoir sais sait fait faire fais faites être etre été ete avoir ai as ont peux peut puis pouvez pouvons pourrais
pourriez pouvoir dois doit comment quand combien pourquoi question réponse reponse renseignement renseignements
information informations aide envoyé envoye iphone objet veuillez agréer agreer expression sentiments distingués
distingues remercie remercions possible
"""

STOP_WORDS = frozenset((_FUNCTION_WORDS + _MAIL_WORDS).split())

_WORD = re.compile(r"\w+")
_INVISIBLE = re.compile("[\u00ad\u200b\u200c\u200d\u2060\ufeff]")  # they would cut a word in two
_local = threading.local()


def stems(text: str) -> list[str]:
    """The stems of a French text, in order and with repeats; words of one letter and stop words are left out."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text)).lower().replace("œ", "oe").replace("æ", "ae")
    return [stem for word in _WORD.findall(text) if (stem := _stem(word))]


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    """The stem of one lower-case word, empty if the word counts for nothing.

    Accents are folded after stemming, because the stemmer reads them; a mail without accents then mostly meets the
    same stems all the same.
    """
    if len(word) < 2 or word in STOP_WORDS:
        return ""
    decomposed = unicodedata.normalize("NFKD", _stemmer().stemWord(word))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _stemmer() -> Stemmer.Stemmer:
    # A stemmer works in a buffer of its own and must not be shared between threads.
    if not hasattr(_local, "stemmer"):
        _local.stemmer = Stemmer.Stemmer("french")
    stemmer: Stemmer.Stemmer = _local.stemmer
    return stemmer
