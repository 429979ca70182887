"""Which letters the guarantor can read: the language and the form they asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.facts import AccountRegistered, StatementSent

_ENGLISH: Final = "en"
_NOT_SAID: Final = frozenset({"", "und", "unk", "unknown", "oth", "other", "zxx", "mul"})
_PLAIN: Final = frozenset({"", "plain", "print", "plain print", "standard"})

_CODES: Final[dict[str, str]] = {
    word: code
    for code, words in {
        "am": "amh amharic",
        "ar": "ara arabic",
        "bn": "ben bengali",
        "de": "deu ger german",
        "en": "eng english",
        "es": "spa spanish español espanol",
        "fa": "fas per farsi persian",
        "fr": "fra fre french",
        "gu": "guj gujarati",
        "hi": "hin hindi",
        "ht": "hat haitian",
        "it": "ita italian",
        "ja": "jpn japanese",
        "ko": "kor korean",
        "pl": "pol polish",
        "pt": "por portuguese",
        "ru": "rus russian",
        "so": "som somali",
        "tl": "tgl fil tagalog filipino",
        "uk": "ukr ukrainian",
        "ur": "urd urdu",
        "vi": "vie vietnamese",
        "zh": "zho chi cmn yue chinese mandarin cantonese",
    }.items()
    for word in words.split()
}
"""Names and three-letter codes of languages to two-letter codes. Source: ISO 639-1, 639-2."""


def language_of(text: str | None) -> str | None:
    """A language by its two-letter code where we know one, else as written; None when none is stated.

    >>> language_of("en-US"), language_of("Spanish"), language_of("unknown"), language_of("tlh")
    ('en', 'es', None, 'tlh')
    """
    word = (text or "").strip().casefold()
    if word in _NOT_SAID:
        return None
    word = word.partition("_")[0].partition("-")[0].strip()
    return _CODES.get(word, word)


@dataclass(frozen=True, slots=True)
class Reader:
    """How letters to a person must come: language and form, None where plain English does."""

    language: str | None
    form: str | None

    def reads(self, letter: StatementSent) -> bool:
        """Whether this person can read the letter. What it does not say is English in plain print."""
        if self.language is not None and (language_of(letter.language) or _ENGLISH) != self.language:
            return False
        return self.form is None or _form(letter.format) == self.form


def reader_of(registered: AccountRegistered) -> Reader | None:
    """Who reads the letters, the guarantor before the patient; None when nothing is asked of letters."""
    language = form = None
    for person in (registered.guarantor, registered.patient):
        if person is not None:
            language = language or language_of(person.language)
            form = form or _form(person.letter_format)
    return None if language is None and form is None else Reader(language, form)


def _form(text: str | None) -> str | None:
    word = " ".join((text or "").replace("_", " ").split()).casefold()
    return None if word in _PLAIN else word
