"""A second opinion on who owes every cent, written from the domain's rules alone: plain, slow, obvious.

It knows nothing of `service.core`. The class tables of codes are policy data, read from the same files.
Where it and the core differ, one of them is wrong.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from schemas.facts import ClaimAdjudicated, Fact

PACKS = Path(__file__).resolve().parents[2] / "service" / "policies"
REASONS = {
    c: r["class"] for r in tomllib.loads((PACKS / "carc.toml").read_text())["reason"] for c in r["codes"]
}
REMARKS = {
    c: (r["effect"], r.get("effective_from", date.min))
    for r in tomllib.loads((PACKS / "rarc.toml").read_text())["remark"]
    for c in r["codes"]
}
MEDICAID_BILLABLE = {"1", "2", "3", "66", "142", "178", "241"}
RANK = {"1": 1, "19": 1, "4": 1, "2": 2, "20": 2, "3": 3, "21": 3}
PENDED = {"5", "10", "13", "15", "16", "17", "27"}
REDUCTIONS = {"CONTRACTUAL", "BUNDLED", "PENALTY"}
SUSPICIOUS_PR = REDUCTIONS | {"TIMELY_FILING", "PRIOR_PAYER", "DUPLICATE", "INFO_FROM_PROVIDER"}
SUSPICIOUS_OA = REDUCTIONS | {
    "TIMELY_FILING",
    "COST_SHARE",
    "NONCOVERED",
    "LIMIT_REACHED",
    "MEDICAL_NECESSITY",
    "AUTHORIZATION",
    "PAID_TO_PATIENT",
}
NOTICE = {"NONCOVERED", "LIMIT_REACHED", "MEDICAL_NECESSITY"}
OTHERS = ("provider", "awaited", "undetermined")
RELIEVES = {"charity", "courtesy", "small_balance", "bad_debt"}


def class_of(code: str) -> str:
    return REASONS.get(code, "REVIEW")


def paid_on(a: ClaimAdjudicated) -> date:
    return a.payment_on or a.adjudicated_on


def effects(a: ClaimAdjudicated, remarks: tuple[str, ...]) -> set[str]:
    found = (REMARKS.get(code, ("NOTE", date.min)) for code in remarks)
    return {effect for effect, since in found if since <= paid_on(a)}


def all_remarks(a: ClaimAdjudicated) -> tuple[str, ...]:
    return a.remarks + tuple(r for line in a.lines for r in line.remarks)


def latest(found: list[Fact]) -> Any:
    return max(found, key=lambda f: (f.occurred_at, f.key)).body if found else None


# --- which decisions of one payer on one claim still stand -------------------------------------------------


def balanced(a: ClaimAdjudicated) -> bool:
    """Section 1.9: line, claim, and lines against claim; tolerance none."""
    own = sum(x.amount_cents for x in a.adjustments)
    if a.charge_cents - sum(x.amount_cents for x in a.every_adjustment()) != a.paid_cents:
        return False
    if not a.lines:
        return True
    if sum(x.charge_cents for x in a.lines) != a.charge_cents:
        return False
    if sum(x.paid_cents for x in a.lines) - own != a.paid_cents:
        return False
    return all(x.charge_cents - sum(y.amount_cents for y in x.adjustments) == x.paid_cents for x in a.lines)


def in_order(f: Fact) -> tuple[Any, ...]:
    """Payment day, instant, place in the carrier; of one instant: originals, reversals, corrections."""
    a: Any = f.body
    turn = 1 if a.status == "22" else 2 if a.original_payer_claim_id else 0
    return (paid_on(a), f.occurred_at, a.sequence, turn, f.key)


def one_decision(carriers: list[Fact]) -> Fact:
    """What several carriers say about one decision: every remark, the least patient amount, proof wins."""
    bodies: list[Any] = [f.body for f in carriers]
    richest = max(bodies, key=lambda b: (b.remittance_balanced is not None, len(b.lines), len(triples(b))))
    stated = [b.patient_responsibility_cents for b in bodies if b.patient_responsibility_cents is not None]
    proof = {b.remittance_balanced for b in bodies}
    body = replace(
        richest,
        status=next((b.status for b in bodies if b.status in ("19", "20", "21")), richest.status),
        payment_on=min((b.payment_on for b in bodies if b.payment_on), default=None),
        payer_claim_id=max((b.payer_claim_id for b in bodies), key=bool),
        original_payer_claim_id=max((b.original_payer_claim_id for b in bodies), key=bool),
        trace=max((b.trace for b in bodies), key=bool),
        patient_responsibility_cents=min(stated, default=None),
        remarks=tuple(r for b in bodies for r in b.remarks),
        remittance_balanced=True if True in proof else False if False in proof else None,
    )
    return replace(min(carriers, key=lambda f: f.occurred_at), body=body)


def triples(a: ClaimAdjudicated) -> list[tuple[str, str, int]]:
    return sorted((x.group, x.code, x.amount_cents) for x in a.every_adjustment())


def negates(reversal: ClaimAdjudicated, a: ClaimAdjudicated) -> bool:
    taken = Counter((x.group, x.code, -x.amount_cents) for x in reversal.every_adjustment())
    given = Counter((x.group, x.code, x.amount_cents) for x in a.every_adjustment())
    old_style = bool(taken) and all(x.group == "CR" for x in reversal.every_adjustment())
    same = (-reversal.charge_cents, -reversal.paid_cents) == (a.charge_cents, a.paid_cents)
    return same and (old_style or taken == given)


def is_repeat(a: ClaimAdjudicated) -> bool:
    said = [x for x in a.every_adjustment() if x.amount_cents]
    return (
        bool(said)
        and a.paid_cents == 0
        and all(class_of(x.code) == "DUPLICATE" and x.group != "PR" for x in said)
    )


def standing(decisions: list[ClaimAdjudicated], billed: int | None) -> dict[str, Any]:
    """DET-03, DET-04, DET-12, DET-21 for one payer on one claim."""
    active: list[ClaimAdjudicated] = []
    orphan = taken_back = False
    for a in decisions:
        if a.status in ("23", "25"):
            continue
        if a.status != "22":
            active.append(a)
            continue
        by_number = [x for x in active if a.payer_claim_id and x.payer_claim_id == a.payer_claim_id]
        by_origin = [
            x for x in active if a.original_payer_claim_id and x.payer_claim_id == a.original_payer_claim_id
        ]
        found = by_number or by_origin or [x for x in active if negates(a, x)]
        if found:
            active.remove(found[-1])
            taken_back |= not is_repeat(found[-1])
        else:
            orphan = True
    active = [a for a in active if not is_repeat(a)]
    for a in [a for a in active if "MA74" in a.remarks]:
        lost = [
            x for x in active[: active.index(a)] if (x.paid_cents, triples(x)) == (a.paid_cents, triples(a))
        ]
        if lost:
            active.remove(lost[0])
    ceiling = billed if billed is not None else max((a.charge_cents for a in active), default=0)
    while sum(a.charge_cents for a in active) > ceiling:
        denied = [a for a in active[:-1] if a.paid_cents == 0]
        if not denied:
            break
        active.remove(denied[0])
    total = sum(a.charge_cents for a in active)
    short = not active if billed is None else total < billed
    return {
        "active": active,
        "conflict": total > ceiling,
        "short": short,
        "undone": orphan or (taken_back and short),
    }


# --- what one payer's standing decisions leave with the patient --------------------------------------------


def no_notice(line: Any) -> set[str]:
    """Medicare's modifiers that say that no notice was given, or that no charge was meant (2.3)."""
    return {"NO_NOTICE"} if {"GZ", "GL"} & set(line.modifiers) else set()


def pieces(a: ClaimAdjudicated) -> list[tuple[Any, set[str]]]:
    """Every adjustment that moves cents, with the remark effects that reach it; a line's reach that line."""
    everywhere = effects(a, a.remarks)
    found = [(x, everywhere) for x in a.adjustments]
    found += [
        (x, everywhere | effects(a, line.remarks) | no_notice(line))
        for line in a.lines
        for x in line.adjustments
    ]
    return [(x, said) for x, said in found if x.amount_cents]


def barred(a: ClaimAdjudicated, code: str, said: set[str], setting: dict[str, Any]) -> bool:
    """Whether this PR part may not be asked for although the payer wrote PR (1.4, 1.6, 2.4).

    A programme that one of the payer's decisions on the claim names covers all of them.
    """
    kind = class_of(code)
    reduction = kind not in ("COST_SHARE", "PAID_TO_PATIENT", "CREDIT")
    filed = setting["filed"][a.payer.id]
    listed = setting["kinds"].get(a.payer.id)
    return bool(
        setting["protected"]
        or "VA" in filed
        or listed == "va"
        or "WC" in filed
        or listed == "workers_comp"
        or "VETERAN" in effects(a, all_remarks(a))
        or (("MC" in filed or listed == "medicaid") and code not in MEDICAID_BILLABLE)
        or said & {"STRIP_ALL", "INFO_FROM_PROVIDER"}
        or ("STRIP_REDUCTION" in said and reduction and not setting["notice"])
        or ("STRIP_ABOVE_COST_SHARE" in said and kind != "COST_SHARE")
        or (code == "45" and (not setting["consent"] or said & {"STRIP_BALANCE_BILL", "BALANCE_BILL_BARRED"}))
        or kind in ("NO_COLLECT", "PREDETERMINATION", "COVERAGE_NOT_FOUND")
        or (
            (setting["kinds"].get(a.payer.id) == "medicare" or filed & {"MA", "MB"})
            and "NO_NOTICE" in said
            and kind in NOTICE
        )
        or (code != "3" and any(x.code == "24" for x in a.every_adjustment()))
    )


def provider_bears(a: ClaimAdjudicated, x: Any, said: set[str], setting: dict[str, Any]) -> bool:
    if x.group == "PR":
        return barred(a, x.code, said, setting)
    if x.group in ("CO", "PI"):
        return class_of(x.code) not in REDUCTIONS | {"PENDING", "INFO_FROM_PATIENT", "OTHER_PAYER"}
    return x.group == "OA" and class_of(x.code) == "NO_COLLECT"


def beyond_cost_share(x: Any) -> bool:
    return x.group == "PR" and x.amount_cents > 0 and class_of(x.code) not in ("COST_SHARE", "CREDIT")


def denies(a: ClaimAdjudicated, x: Any, said: set[str], setting: dict[str, Any]) -> bool:
    return x.group != "PR" and provider_bears(a, x, said, setting)


def to_review(x: Any) -> bool:
    """The cells of 1.4 that say review, and codes nobody knows."""
    kind = class_of(x.code)
    if x.group == "PR":
        return (kind in SUSPICIOUS_PR and x.code != "45") or kind == "REVIEW"
    if x.group == "OA":
        return kind in SUSPICIOUS_OA or kind == "REVIEW"
    return kind in ("REVIEW", "PAID_TO_PATIENT") or x.group == "CR"


def answer(payer: str, mine: list[ClaimAdjudicated], billed: int, setting: dict[str, Any]) -> dict[str, Any]:
    """What one payer's standing decisions come to: PR, what is left of it, and whether it is an answer."""
    at = standing(mine, billed)
    active: list[ClaimAdjudicated] = at["active"]
    setting["filed"][payer] = {a.filing_indicator for a in active}
    prs, ok = [], 0
    for a in active:
        by_cas = sum(x.amount_cents for x in a.every_adjustment() if x.group == "PR")
        said = a.patient_responsibility_cents
        prs.append(by_cas if said is None else min(by_cas, said))
        bars = [x.amount_cents for x, r in pieces(a) if x.group == "PR" and barred(a, x.code, r, setting)]
        ok += prs[-1] - sum(cents for cents in bars if cents > 0)
    every = [x for a in active for x, _ in pieces(a)]
    classes = {class_of(x.code) for x in every}
    deciding = classes - {"PRIOR_PAYER", "DUPLICATE", "PREDETERMINATION"}
    elsewhere = deciding and deciding <= {"COVERAGE_NOT_FOUND", "OTHER_PAYER"}
    unknown = all(a.status == "4" and not triples(a) for a in active)
    binding = not unknown and (any(a.paid_cents for a in active) or not elsewhere)
    remarked = set().union(*(effects(a, all_remarks(a)) for a in active))
    interim = {a.frequency for a in active}
    service_family = setting["kinds"].get(payer) == "tricare" or "CH" in setting["filed"][payer]
    waits = (
        (service_family and any(beyond_cost_share(x) for x in every))
        or any(a.status in PENDED or a.remittance_balanced is False for a in active)
        or at["short"]
        or classes & {"PENDING", "INFO_FROM_PATIENT", "OTHER_PAYER"}
        or any(to_review(x) for x in every)
        or remarked & {"OTHER_PAYER", "INFO_FROM_PROVIDER", "SURPRISE_BILLING_REVIEW"}
        or (interim & {"2", "3"} and "4" not in interim)
    )
    return {
        "payer": payer,
        "active": active,
        "pr": 0 if not prs else min(prs) if at["conflict"] else sum(prs),
        "ok": max(0, ok),
        "paid": sum(a.paid_cents for a in active),
        "off": sum(
            x.amount_cents for x in every if x.group in ("CO", "PI") and class_of(x.code) in REDUCTIONS
        ),
        "denied": sum(x.amount_cents for a in active for x, r in pieces(a) if denies(a, x, r, setting)),
        "binding": binding,
        "waits": bool(waits),
        "silent": not active and not any(a.status == "23" for a in mine),
        "undone": "8" in interim
        or at["undone"]
        or at["conflict"]
        or "UNPROCESSABLE" in remarked
        or not all(map(balanced, active)),
        "sent_on": bool({"FORWARDED", "NOT_FORWARDED"} & remarked)
        or any(a.status in ("19", "20", "21") for a in active)
        or any(a.status == "23" for a in mine),
        "mismatch": any(a.patient_responsibility_cents not in (None, by_cas_of(a)) for a in active),
    }


def by_cas_of(a: ClaimAdjudicated) -> int:
    return sum(x.amount_cents for x in a.every_adjustment() if x.group == "PR")


def closing(facts: dict[str, list[Fact]], claim: str, payer: str) -> tuple[str, Any] | None:
    """How and when a person closed a payer by name, unless a bill or another word came later."""
    told: list[tuple[Any, int, str, str]] = []
    for f in facts["claim.submitted"] + facts["claim.status"]:
        b: Any = f.body
        if b.claim_id == claim and b.payer.id == payer:
            status = "billed" if f.kind == "claim.submitted" else b.status
            if not status.startswith("closed") or b.by:
                told.append((f.occurred_at, int(f.kind == "claim.status"), f.id, status))
    last = max(told, default=None)
    return (last[3], last[0]) if last and last[3].startswith("closed") else None


def place_of(payer: str, said: list[Any], setting: dict[str, Any]) -> int:
    """Whose number a payer is: as listed, as told, or as it says that it processed the claim; a denial says
    nothing of that."""
    listed: dict[str, int] = setting["order"] or {}
    if payer in listed:
        return 1 + sorted(listed, key=lambda p: (listed[p], p)).index(payer)
    mine = [a for a in said if a.payer.id == payer]
    told = [a.order for a in mine if a.order]
    return told[0] if told else min(9 if a.status == "4" else RANK.get(a.status, 9) for a in mine)


def passed_on(answers: list[dict[str, Any]], place: dict[str, int], known: set[str]) -> bool:
    """Whether a payer points to another one, and nobody is known who could be meant."""
    when = {a["payer"]: max((paid_on(b) for b in a["active"]), default=date.min) for a in answers}
    for a in answers:
        mine = (place[a["payer"]], when[a["payer"]])
        earlier = {p for p in when if (place[p], when[p]) < mine}
        if a["sent_on"] and not known - earlier - {a["payer"]}:
            return True
    return False


def before(last: Any, at: Any) -> bool:
    return last is not None and last < at


def uncovered(
    payer: str, closed: tuple[str, Any] | None, answers: list[dict[str, Any]], setting: dict[str, Any]
) -> bool:
    """Whether it is verified that this payer does not insure the claim: by a person, or self-pay since."""
    mine = next((a for a in answers if a["payer"] == payer and not a["silent"]), None)
    if closed and closed[0] != "closed_no_response" and (mine is None or before(mine["last"], closed[1])):
        return True
    since = setting["self_pay_since"]
    return mine is not None and since is not None and before(mine["last"], since)


def judge_claim(facts: dict[str, list[Fact]], claim: str, setting: dict[str, Any]) -> dict[str, Any]:
    """DET-10, DET-11 for one claim: who is expected, who answered, the lowest word of those who bind."""
    said: list[Any] = [f.body for f in facts["claim.adjudicated"] if f.body.claim_id == claim]
    bills = [f for f in facts["claim.submitted"] if f.body.claim_id == claim]
    bills.sort(key=lambda f: (f.body.submitted_on, f.occurred_at, f.id))
    sent = {f.body.payer.id: f.body.charge_cents for f in bills}
    total = max((a.charge_cents for a in said if a.charge_cents > 0), default=0)
    if sent:
        total = max(sent.values())
    elif setting["charges"] is not None and len(setting["claims"]) == 1:
        total = max(total, setting["charges"])
    setting = setting | {"filed": {}}
    answers = [
        answer(p, [a for a in said if a.payer.id == p], total, setting) for p in {a.payer.id for a in said}
    ]
    listed = setting["order"] or {}
    place = {a["payer"]: place_of(a["payer"], said, setting) for a in answers}
    answers.sort(key=lambda a: (place[a["payer"]], a["payer"]))
    answered = [a for a in answers if a["active"]]
    expected = set(listed) | set(sent)
    for a in said:
        if a.forwarded_to and (a.status == "23" or any(a in b["active"] for b in answers)):
            expected.add(a.forwarded_to.id)
    when = {id(f.body): f.occurred_at for f in facts["claim.adjudicated"]}
    for a in answers:
        a["last"] = max((when[id(b)] for b in a["active"]), default=None)
    closed = {p: closing(facts, claim, p) for p in expected | {a["payer"] for a in answers}}
    open_payers = expected - {a["payer"] for a in answers} | {a["payer"] for a in answers if a["silent"]}
    open_payers = {p for p in open_payers if closed[p] is None}
    binding = [a for a in answered if a["binding"]]
    settled = closed and not binding and not any(a["waits"] for a in answered)
    selfpay = settled and all(uncovered(p, closed[p], answers, setting) for p in closed)
    if any(a["undone"] for a in answers):
        state, selfpay = "undetermined", False
    elif selfpay:
        state = "final"
    elif (
        open_payers
        or passed_on(answers, place, set(closed))
        or not binding
        or setting["plans_missing"]
        or any(a["waits"] for a in answered)
    ):
        state = "provisional"
    else:
        state = "final" if setting["order"] is not None else "provisional"
    paid, off = sum(a["paid"] for a in answers), sum(a["off"] for a in answered)
    lowest = min((a["ok"] for a in binding), default=0) if state == "final" else 0
    # Never more than is left of the bill: money paid twice is not asked for a third time.
    collectible = max(0, min(lowest, total - paid - max((a["off"] for a in answered), default=0)))
    if selfpay:
        collectible = max(0, total - paid - max((a["off"] + a["denied"] for a in answers), default=0))
    off = 0 if state == "undetermined" else min(off, max(0, total - paid - collectible))
    return {
        "claim": claim,
        "state": state,
        "total": total,
        "off": off,
        "left": total - paid - off,
        "assigned": collectible
        if selfpay
        else min(a["pr"] for a in binding)
        if binding
        else answered[-1]["pr"]
        if answered
        else 0,
        "collectible": collectible,
        "binding_pr": [total] if selfpay else [a["pr"] for a in binding],
        "said": said,
        "answers": answers,
        "bears": divide(state, answers, binding, total - paid - off, collectible, setting),
    }


def divide(
    state: str,
    answers: list[dict[str, Any]],
    binding: list[dict[str, Any]],
    left: int,
    collectible: int,
    setting: dict[str, Any],
) -> Counter[str]:
    """What is left of a claim's bill by who answers for it: patient, provider, undetermined, or awaited."""
    if state == "undetermined":
        return Counter(undetermined=left)
    bears = Counter(patient=collectible)
    for a in answers:
        for b in a["active"]:
            for x, said in pieces(b):
                if provider_bears(b, x, said, setting) and (state == "final" or x.group != "PR"):
                    bears["provider"] += max(0, min(x.amount_cents, left - bears.total()))
    rest = left - bears.total()
    disagree = any(a["mismatch"] for a in answers) or disputed(binding, collectible, setting)
    where = "awaited" if state != "final" else "undetermined" if rest < 0 or disagree else "provider"
    bears[where] += rest
    return bears


def disputed(binding: list[dict[str, Any]], collectible: int, setting: dict[str, Any]) -> bool:
    """COB_CONFLICT: a later payer leaves more, payments overlap, or a payer decided in another place."""
    order = sorted((setting["order"] or {}).items(), key=lambda at: (at[1], at[0]))
    listed = [payer for payer, _ in order]
    for a in binding:
        for b in a["active"]:
            elsewhere = any(class_of(x.code) == "OTHER_PAYER" for x, _ in pieces(b))
            elsewhere = elsewhere or "OTHER_PAYER" in effects(b, all_remarks(b)) or b.status not in RANK
            known = len(listed) > 1 and a["payer"] in listed and b.status not in ("4", *PENDED)
            if known and not elsewhere and RANK[b.status] != listed.index(a["payer"]) + 1:
                return True
    return bool(binding) and (
        min(a["pr"] for a in binding) < binding[-1]["pr"] or collectible < min(a["ok"] for a in binding)
    )
