"""The amounts of one level of an adjudication (a line, the header, the totals) sorted by what they mean.

Source: FHIR R4 13.10 (ExplanationOfBenefit.item.adjudication, adjudication, total), CodeSystem adjudication;
CARIN BB C4BBAdjudication; X12 external code lists CAGC, CARC, RARC.
"""

from __future__ import annotations

import re
from typing import Final

from adapters.fhir.elements import Node, Wrong, codings, money, parts
from adapters.fhir.mapping import GROUPS, ROLES, Mapping
from schemas.facts import Adjustment

_STANDARD: Final = ("http://terminology.hl7.org/", "http://hl7.org/fhir")
"""Where the systems begin whose category codes are known; a code without any system is read as theirs."""

_MEANING: Final = {
    "submitted": "submitted",
    "eligible": "eligible",
    "benefit": "benefit",
    "paidtoprovider": "paidtoprovider",
    "paidtopatient": "paidtopatient",
    "memberliability": "memberliability",
    "noncovered": "noncovered",
    "deductible": "PR-1",
    "unallocdeduct": "PR-1",
    "coinsurance": "PR-2",
    "copay": "PR-3",
    "priorpayerpaid": "OA-23",
    "discount": "CO-45",
    "denialreason": "reason",
    "adjustmentreason": "reason",
    "paidbypatient": "ignored",
    "paidbypatientcash": "ignored",
    "paidbypatientother": "ignored",
    "eligpercent": "ignored",
    "tax": "ignored",
    "drugcost": "ignored",
    "allowedunits": "ignored",
    "benefitpaymentstatus": "ignored",
    "billingnetworkstatus": "ignored",
    "billingnetworkcontractingstatus": "ignored",
    "renderingnetworkstatus": "ignored",
    "renderingnetworkcontractingstatus": "ignored",
}
"""What a category of the standard stands for: a role, or the X12 adjustment it is (DOMAIN 4.3)."""

_CODE: Final = re.compile(r"[A-Z0-9]{1,5}", re.ASCII)
PAID_TO_PATIENT: Final = ("PR", "100")


class Level:
    """The amounts of one level in cents; None where nothing states one.

    `grouped` are adjustments with their X12 group and reason; `mapped` those that a category stands for;
    `noncovered` and `reasons` still lack a group, or an amount. `share` tells that something states a part of
    the patient's, be it zero; `foreign` that amounts stand in unknown codes; `repeated` that one stands twice
    with different values.
    """

    __slots__ = (
        "foreign",
        "grouped",
        "mapped",
        "noncovered",
        "out_of_network",
        "reasons",
        "remarks",
        "repeated",
        "share",
        "single",
    )

    def __init__(self) -> None:
        self.single: dict[str, int] = {}
        self.grouped: list[Adjustment] = []
        self.mapped: list[Adjustment] = []
        self.noncovered: list[tuple[int, str | None]] = []
        self.reasons: list[tuple[str | None, str]] = []
        self.remarks: list[str] = []
        self.share = self.foreign = self.repeated = self.out_of_network = False

    def get(self, role: str) -> int | None:
        """The one amount of a role."""
        return self.single.get(role)

    @property
    def paid(self) -> int | None:
        """What went to the provider: as stated, else the benefit less what went to the patient."""
        to_provider, benefit = self.single.get("paidtoprovider"), self.single.get("benefit")
        if to_provider is not None:
            return to_provider
        return None if benefit is None else benefit - self.single.get("paidtopatient", 0)

    @property
    def paid_differs(self) -> bool:
        """Whether benefit, provider's part and patient's part contradict each other."""
        to_provider, benefit = self.single.get("paidtoprovider"), self.single.get("benefit")
        both = to_provider is not None and benefit is not None
        return both and benefit != (to_provider or 0) + self.single.get("paidtopatient", 0)

    def take(self, node: Node, name: str, place: str, mapping: Mapping, currencies: set[str]) -> None:
        """Read the entries of `adjudication` or `total`."""
        for at, entry in enumerate(parts(node, name, place)):
            path = f"{place}.{name}[{at}]"
            meaning = _meaning(entry, path, mapping)
            amount = money(entry, "amount", path, currencies)
            group, reason = self._reason(entry, path) if "reason" in entry else (None, None)
            if reason is not None and (group is not None or meaning in ("reason", "noncovered")):
                self._reasoned(amount, group, reason, meaning)
                if meaning == "noncovered" and amount is not None:
                    self.single[meaning] = self.single.get(meaning, 0) + amount
            elif amount is not None:
                self._sort(meaning, amount, reason)

    def _reasoned(self, amount: int | None, group: str | None, reason: str, meaning: str) -> None:
        if amount is None:
            self.reasons.append((group, reason))
        elif group is None:
            self.noncovered.append((amount, reason))
        elif amount:
            self.grouped.append(Adjustment(group, reason, amount))
        self.share = self.share or (group == "PR" and amount is not None)

    def _sort(self, meaning: str, amount: int, reason: str | None) -> None:
        if meaning == "unknown":
            self.foreign = self.foreign or amount != 0
        elif meaning == "noncovered":
            self.single[meaning] = self.single.get(meaning, 0) + amount
            if amount:
                self.noncovered.append((amount, None))
        elif meaning in ROLES:
            if meaning != "ignored":
                self._state(meaning, amount)
        elif meaning != "reason":
            group, _, code = meaning.partition("-")
            self.share = self.share or group == "PR"
            if amount:
                self.mapped.append(Adjustment(group, reason or code, amount))

    def _state(self, role: str, amount: int) -> None:
        if self.single.setdefault(role, amount) != amount:
            self.repeated = True

    def _reason(self, entry: Node, path: str) -> tuple[str | None, str | None]:
        """The X12 group and reason code of an entry; remark codes go to the level."""
        group = reason = None
        for system, code in codings(entry, "reason", path):
            if "claim-adjustment-group-codes" in system:
                if code not in GROUPS:
                    raise Wrong("adjustment-group", f"{path}.reason")
                group = code
            elif "claim-adjustment-reason-codes" in system:
                if not _CODE.fullmatch(code):
                    raise Wrong("text-unreadable", f"{path}.reason")
                reason = code
            elif "remittance-advice-remark-codes" in system:
                if not _CODE.fullmatch(code):
                    raise Wrong("text-unreadable", f"{path}.reason")
                self.remarks.append(code)
            elif code in ("outofnetwork", "noncontracted"):
                self.out_of_network = True
        return group, reason


def _meaning(entry: Node, path: str, mapping: Mapping) -> str:
    """What an entry's category stands for: a role, an adjustment (`PR-2`), `reason` or `unknown`."""
    own = mapping.categories
    if not own:
        try:
            (coding,) = entry["category"]["coding"]
            if coding["system"].startswith(_STANDARD):
                return _MEANING[coding["code"]]
        except (KeyError, TypeError, ValueError, AttributeError):
            pass  # anything but the usual form is looked at with care
    told = "unknown"
    for system, code in codings(entry, "category", path):
        if own and (meaning := own.get(f"{system}|{code}") or own.get(code)):
            return meaning
        if not system or system.startswith(_STANDARD):
            told = _MEANING.get(code, told)
        elif "claim-adjustment-group-codes" in system:
            told = "reason"
    return told
