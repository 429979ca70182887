"""Merges, moves and renumbered accounts: what MRG says about whose facts these are."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from adapters.hl7v2.group import Group, prior_account
from adapters.hl7v2.people import register
from schemas.facts import AccountsMerged

IDENTITY: Final = "identity_event"
"""The flag of an account whose patient was merged, moved or renumbered; policy says how long it matters."""


def merge_accounts(group: Group) -> None:
    """A41, A49, and A18 where it names accounts: MRG-3's facts now belong to PID-18's account.

    Source: HL7 v2.5.1 3.3.18, 3.3.41, 3.3.49.
    """
    mrg = group.one("MRG")
    prior = prior_account(group, mrg) if mrg is not None else None
    if mrg is None or prior is None or group.account is None:
        if group.header.event == "A18" and group.account is not None:
            merge_patients(group)
        else:
            group.park("merge-incomplete", f"{group.where} / MRG", hold=False)
        return
    register(group)
    if prior == group.account:
        return
    into = group.account
    group.account = prior
    group.state_now(AccountsMerged(into), mrg.place, "")
    group.account = into
    group.flag(IDENTITY, group.header.event, group.where)


def merge_patients(group: Group) -> None:
    """A40, A42, A45, A47, A50: the same account, of a patient or visit known under another number now."""
    register(group)
    group.flag(IDENTITY, group.header.event, group.where)


def move_account(group: Group) -> None:
    """A44: the account in MRG-3 (or PID-18) is now this patient's. Source: HL7 v2.5.1 3.3.44."""
    mrg = group.one("MRG")
    moved = prior_account(group, mrg) if mrg is not None else None
    if group.account is None or moved is None or moved == group.account:
        group.account = group.account or moved
        if group.account is None:
            group.park("merge-incomplete", f"{group.where} / MRG", hold=False)
        else:
            merge_patients(group)
        return
    # The account moves and takes another number: the facts of the old number belong to the new one.
    merge_accounts(group)


def hold_renumbered(group: Group) -> None:
    """A06 and A07 may renumber an account without saying that they do: nobody guesses, both hold."""
    mrg = group.one("MRG")
    prior = prior_account(group, mrg) if mrg is not None else None
    if mrg is None or prior is None or prior == group.account:
        return
    other = replace(group, account=prior, items=[])
    group.park("account-renumbered", mrg.place)
    other.flag(IDENTITY, group.header.event, mrg.place)
    group.items += other.items
