"""How a contact ended, by our disposition codes: was it a call attempt, a conversation, an effort to help?"""

from __future__ import annotations

from typing import Final

from schemas.facts import ContactLogged

_CALLS: Final = frozenset({"TPC", "LM", "NA", "BZ", "HU", "WN", "DISC", "LANG"})
"""Calls that did not reach the guarantor; every code that begins with RPC did."""

_NO_CALLS: Final = frozenset({"MAIL", "MAIL-RTN", "EM", "TX", "OPT-OUT", "PORTAL", "BPTP", "NSF"})
_NEVER_REACHED: Final = frozenset({"WN", "DISC", "MAIL-RTN", "OPT-OUT", "PORTAL", "BPTP", "NSF"})
_VOICE: Final = frozenset({"telephone", "call", "voice", "mobile"})
_WRITTEN: Final = frozenset({"email", "e-mail", "text", "sms"})


def code_of(contact: ContactLogged) -> str:
    """The disposition code, in capitals."""
    return contact.disposition.strip().upper()


def medium_of(contact: ContactLogged) -> str:
    """The channel, in one word for each medium."""
    word = contact.channel.strip().casefold()
    return {"e-mail": "email", "sms": "text"}.get(word, "phone" if word in _VOICE else word)


def is_outbound(contact: ContactLogged) -> bool:
    """Whether we began it; what is not called inbound counts as ours."""
    return contact.direction.strip().casefold() not in ("inbound", "in", "incoming")


def is_conversation(contact: ContactLogged) -> bool:
    """Whether somebody spoke with the guarantor; an unknown code on the telephone counts as it says."""
    code = code_of(contact)
    if code.startswith("RPC"):
        return True
    return code not in _CALLS | _NO_CALLS and contact.right_party is True and medium_of(contact) == "phone"


def is_call_attempt(contact: ContactLogged) -> bool:
    """Whether it counts toward the calls of a week; an unknown code on the telephone does."""
    if not is_outbound(contact):
        return False
    code = code_of(contact)
    if code.startswith("RPC") or code in _CALLS:
        return True
    return code not in _NO_CALLS and medium_of(contact) == "phone"


def is_effort(contact: ContactLogged) -> bool:
    """Whether it was an effort to reach the person: a call, letter or message of ours that could arrive."""
    return is_outbound(contact) and code_of(contact) not in _NEVER_REACHED


def is_written(contact: ContactLogged) -> bool:
    """Whether it was an e-mail or a text message."""
    return contact.channel.strip().casefold() in _WRITTEN or code_of(contact) in ("EM", "TX")
