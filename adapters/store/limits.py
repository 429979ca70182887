"""What text the store can hold: checked before SQL, so that one bad value never takes its batch down."""

from __future__ import annotations

from typing import Final

from schemas.errors import MessageRejected
from schemas.facts import AccountRef, AccountsMerged, Fact

ACCOUNT_CHARACTERS: Final = 128
IDENTITY_CHARACTERS: Final = 512
KEY_CHARACTERS: Final = 4096


def check_text(text: str, where: str, limit: int = KEY_CHARACTERS) -> None:
    """Refuse text that a database cannot keep: NUL, half of a surrogate pair, or too long.

    Raises:
        MessageRejected: `text-not-storable` or `text-too-long`, with the field and never its value.
    """
    if len(text) > limit:
        raise MessageRejected("text-too-long", f"text is longer than {limit} characters", where=where)
    if text.isascii():
        storable = "\0" not in text
    else:
        storable = "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
    if not storable:
        raise MessageRejected(
            "text-not-storable", "text holds NUL or half of a character; send it whole", where=where
        )


def check_account(ref: AccountRef) -> None:
    """Refuse an account whose facility or number is empty, too long, or holds characters nobody can see.

    Two numbers that look alike and differ in an invisible character would be two accounts of one patient.

    Raises:
        MessageRejected: `account-missing`, `account-unprintable` or `text-too-long`.

    >>> check_account(AccountRef("GEN", "A1"))
    """
    for text, where in ((ref.facility, "account.facility"), (ref.number, "account.number")):
        if not text or text.isspace():
            raise MessageRejected(
                "account-missing", "the account's facility and number are both needed", where=where
            )
        if len(text) > ACCOUNT_CHARACTERS:
            reason = f"text is longer than {ACCOUNT_CHARACTERS} characters"
            raise MessageRejected("text-too-long", reason, where=where)
        if not text.isprintable():
            reason = "an account may hold printable characters only; remove control or invisible ones"
            raise MessageRejected("account-unprintable", reason, where=where)


def check_fact(fact: Fact) -> None:
    """Refuse a fact that the store could not keep; callers ask this for each fact, to park only its message.

    Raises:
        MessageRejected: see `check_account` and `check_text`.
    """
    if fact.account is not None:
        check_account(fact.account)
    if isinstance(fact.body, AccountsMerged):
        check_account(fact.body.into)
    check_text(fact.key, "key")
    check_text(fact.where, "where")
    if fact.identity is not None:
        check_text(fact.identity, "identity", IDENTITY_CHARACTERS)
