"""The claim messages of the insurance chapter: where a claim stands, never what the patient owes."""

from __future__ import annotations

from typing import Final

from adapters.hl7v2.group import Group, part
from adapters.hl7v2.segments import Segment
from schemas.facts import ClaimStatusReported, Payer

_ANSWERS: Final = {
    "ACK": "accepted",
    "PEND": "pending",
    "REJECT": "rejected",
    "ADJ": "finalized",
    "ADJSUB": "finalized",
    "ADJZER": "finalized",
    "PAID": "finalized",
}
"""IPR-4 to what it says of a claim's way. None decides who owes; PRED, an estimate, says nothing.

Source: HL7 v2.8.2 16.4.8, table 0571.
"""


def report_status(group: Group) -> None:
    """State each IPR's status for the claim it names, where account and payer are named too."""
    group.note("status-only", group.where)
    for ipr in group.all("IPR"):
        code = ipr.text(4)
        status = group.terms.mapping.claim_status.get(code) or _ANSWERS.get(code)
        payer = _payer(group)
        claim = ipr.text(3) or ipr.text(2)
        if status is None or payer is None or not claim:
            group.note("claim-status-unmapped", ipr.place)
        elif status != "ignore":
            body = ClaimStatusReported(claim, payer, status, group.day)
            group.state_now(body, ipr.place, f"{part(claim)}|{part(payer.id)}|{status}|")


def _payer(group: Group) -> Payer | None:
    """The payer by IN1-3, else the sender of the answer (MSH-4) through the crosswalk."""
    in1: Segment | None = group.one("IN1")
    code = in1.text(3) if in1 is not None else ""
    crosswalk = group.terms.mapping.payer
    code = code or group.header.msh.text(4)
    return (
        Payer(crosswalk.get(code, code), in1.text(4) or None if in1 is not None else None) if code else None
    )
