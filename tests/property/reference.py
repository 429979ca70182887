"""The second opinion on a whole account: facts counted once, merges, claims added up, money, reports."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time
from typing import Any

from schemas.facts import AccountRef, ClaimAdjudicated, Fact
from tests.property.reference_claims import (
    OTHERS,
    RANK,
    RELIEVES,
    all_remarks,
    effects,
    in_order,
    judge_claim,
    latest,
    one_decision,
    paid_on,
    triples,
)

# --- the account -------------------------------------------------------------------------------------------


def in_force(c: Any, first: date | None, last: date | None) -> bool:
    return not (
        (c.effective_to and first and c.effective_to < first)
        or (c.effective_from and last and c.effective_from > last)
    )


def self_pay_since(lists: list[Fact]) -> Any:
    """The first of the empty coverage lists that nothing but empty ones followed."""
    since = None
    for f in sorted(lists, key=lambda f: (f.occurred_at, f.id)):
        b: Any = f.body
        since = None if b.coverages else since or f.occurred_at
    return since


def plans_missing(registered: list[Fact], listed: Any) -> bool:
    told: list[Any] = [f.body for f in sorted(registered, key=lambda f: (f.occurred_at, f.id))]
    expected = [b.expected_plans for b in told if b.expected_plans is not None]
    return bool(listed and expected and expected[-1] > len(listed.coverages))


def setting_of(facts: dict[str, list[Fact]]) -> dict[str, Any]:
    """What all claims share: cover in force at any day of service, programmes, papers on file."""
    bodies: dict[str, list[Any]] = {k: [f.body for f in found] for k, found in facts.items()}
    said: list[ClaimAdjudicated] = bodies["claim.adjudicated"]
    stay = [d for b in bodies["account.registered"] for d in (b.service_from, b.service_to) if d]
    services = [b for b in bodies["charge.posted"] if b.kind in (None, "service")]
    days = stay or [b.service_on for b in services]
    listed = latest(facts["coverage.listed"])
    first, last = min(days, default=None), max(days, default=None)
    covers = [c for c in listed.coverages if in_force(c, first, last)] if listed else []
    remarked = set().union(*(effects(a, all_remarks(a)) for a in said))
    papers = {b.kind for b in bodies["notice.recorded"] if b.valid}
    return {
        "order": {c.payer.id: c.order for c in covers} if listed else None,
        "kinds": {c.payer.id: c.kind for c in covers},
        "listed": listed,
        "charges": sum(b.amount_cents for b in services) if services else None,
        "added": sum(b.amount_cents for b in bodies["charge.posted"] if b not in services),
        "claims": sorted({b.claim_id for b in said + bodies["claim.submitted"]}),
        "self_pay_since": self_pay_since(facts["coverage.listed"]),
        "plans_missing": plans_missing(facts["account.registered"], listed),
        "protected": "QMB" in remarked
        or any(x.code == "303" for a in said for x in a.every_adjustment())
        or any(c.kind == "qmb" for c in covers),
        "notice": bool(papers & {"abn", "waiver"}),
        "consent": "surprise_billing_consent" in papers,
    }


ACCOUNT = AccountRef("GEN", "A1")
KINDS = [
    "account.registered",
    "coverage.listed",
    "charge.posted",
    "claim.submitted",
    "claim.status",
    "claim.adjudicated",
    "claim.unreadable",
    "payment.posted",
    "adjustment.posted",
    "balance.reported",
    "notice.recorded",
    "accounts.merged",
]


def numbers_stated(f: Fact) -> int:
    b: Any = f.body
    return (b.payer_claim_id is not None) + (b.trace is not None) if f.kind == "claim.adjudicated" else 0


def tells_the_same(a: Any, b: Any) -> bool:
    """Whether two carriers tell one decision: all amounts alike, and no number that both state differs."""
    if a.status in RANK and a.status != "4" and b.status in RANK and b.status != "4":
        alike = True
    else:
        alike = a.status == b.status
    for name in ("claim_id", "payer", "charge_cents", "paid_cents"):
        alike = alike and getattr(a, name) == getattr(b, name)
    for name in ("payer_claim_id", "trace"):
        x, y = getattr(a, name), getattr(b, name)
        alike = alike and (x is None or y is None or x == y)
    same = a.payer_claim_id is not None and a.payer_claim_id == b.payer_claim_id
    same = same and (paid_on(a) == paid_on(b) or (a.trace is not None and a.trace == b.trace))
    return alike and (same or triples(a) == triples(b))


def unique(given: list[Fact]) -> tuple[list[Fact], bool]:
    """Each statement once; whether any two contradict each other (then the last by business time stands)."""
    once = sorted({f.id: f for f in given}.values(), key=lambda f: (f.occurred_at, f.id))
    by_key: dict[str, list[Fact]] = {}
    senders: dict[str, set[str]] = {}
    for f in once:
        by_key.setdefault(f.key, []).append(f)
        if f.identity:
            senders.setdefault(f.identity, set()).add(f.id)
    kept, conflict = [], any(len(ids) > 1 for ids in senders.values())
    decisions: list[list[Fact]] = []
    for same in sorted(by_key.values(), key=lambda same: (-numbers_stated(same[0]), same[0].key)):
        if same[0].kind == "claim.adjudicated":
            fits = [d for d in decisions if tells_the_same(one_decision(d).body, same[0].body)]
            fits.sort(key=lambda d: paid_on(one_decision(d).body) != paid_on(same[0].body))
            fits[0].extend(same) if fits else decisions.append(list(same))
        else:
            conflict |= len(same) > 1
            kept.append(same[-1])
    kept += [one_decision(d) for d in decisions]
    return kept, conflict or len({f.currency for f in once}) > 1


class Merges:
    """Which account answers for which facts: of an account's merges and unmerges the last one counts."""

    def __init__(self, given: list[Fact], by: datetime | None = None) -> None:
        self.into: dict[AccountRef, AccountRef] = {}
        self.unlike: set[AccountRef] = set()
        links = {f.id: f for f in given if f.kind in ("accounts.merged", "accounts.unmerged")}
        for f in sorted(links.values(), key=lambda f: (f.occurred_at, f.id)):
            b: Any = f.body
            if f.account is None or (by is not None and f.occurred_at > by):
                continue
            self.unlike.discard(f.account)
            if f.kind == "accounts.merged":
                self.into[f.account] = b.into
            elif f.account in self.into and self.into.pop(f.account) != b.out_of:
                self.unlike.add(f.account)

    def home(self, account: AccountRef) -> tuple[AccountRef, bool]:
        """Where all merges end, and whether they run in a circle (then the first of it by name)."""
        path = [account]
        while path[-1] in self.into:
            after = self.into[path[-1]]
            if after in path:
                return min(path[path.index(after) :]), True
            path.append(after)
        return path[-1], False


def covers_of(lists: list[Fact], given: list[Fact], members: set[AccountRef]) -> dict[AccountRef, Fact]:
    """The newest coverage list about each account: it speaks for all that were one account by then."""
    found: dict[AccountRef, Fact] = {}
    for f in sorted(lists, key=lambda f: (f.occurred_at, f.id)):
        then = Merges(given, f.occurred_at)
        assert f.account is not None
        for member in members:
            if then.home(member)[0] == then.home(f.account)[0]:
                found[member] = f
    return found


def payer_money(payments: list[Any], claims: list[dict[str, Any]]) -> int:
    """Payer payments beyond what decisions reported: by payer and trace, or exactly all of a payer's."""
    decided: dict[tuple[str, str], int] = {}
    for c in claims:
        for a in c["said"]:
            if a.status not in ("23", "25"):
                at = (a.payer.id, a.trace or "")
                decided[at] = decided.get(at, 0) + a.paid_cents
    posted: dict[tuple[str, str], int] = {}
    for b in payments:
        if b.paid_by == "payer":
            at = (b.payer.id if b.payer else "", b.trace or "")
            posted[at] = posted.get(at, 0) + b.amount_cents
    out = 0
    for (payer, trace), cents in posted.items():
        if trace:
            out += cents - decided.get((payer, trace), 0)
        elif cents != sum(n for (p, _), n in decided.items() if p == payer):
            out += cents
    return out


def write_off(bears: Counter[str], cents: int, order: tuple[str, ...]) -> None:
    """A write-off lowers the provider's part first; what nobody's part covers is unexplained."""
    for bearer in order:
        part = min(cents, max(0, bears[bearer]))
        if part > 0:
            bears[bearer] -= part
            cents -= part
    bears["undetermined"] -= cents


def reckon(every: list[Fact], ref: AccountRef = ACCOUNT, reconciling: bool = True) -> dict[str, Any]:
    """From a set of facts to an account's state, assigned, collectible, net and balance in cents."""
    merges = Merges(every)
    home, circle = merges.home(ref)
    if home != ref:
        nothing = dict.fromkeys(("assigned", "collectible", "net", "balance", "part", "patient"), 0)
        return nothing | {"state": "undetermined", "claims": [], "bears": Counter()}
    members = {f.account for f in every if f.account and merges.home(f.account)[0] == ref} | {ref}
    given = [f for f in every if f.account in members]
    kept, conflict = unique(given)
    facts = {k: [f for f in kept if f.kind == k] for k in KINDS}
    facts["claim.adjudicated"].sort(key=in_order)
    covers = covers_of(facts["coverage.listed"], every, members)
    billing = {f.account for f in kept if f.kind in ("charge.posted", "claim.adjudicated")}
    apart = (
        len(members) > 1
        and bool(covers)
        and (not billing <= set(covers) or len({repr(f.body) for f in covers.values()}) > 1)
    )
    tangled = circle or merges.unlike & members or any(merges.home(a)[1] for a in members)
    doubt = bool(conflict or apart or tangled or facts["claim.unreadable"])
    setting = setting_of(facts)
    claims = [judge_claim(facts, c, setting) for c in setting["claims"]]
    billed = sum(c["total"] for c in claims)
    base = billed if setting["charges"] is None else setting["charges"]
    selfpay = not claims and setting["listed"] is not None and not setting["listed"].coverages
    states = {c["state"] for c in claims}
    if doubt or "undetermined" in states or not (claims or setting["listed"]):
        state = "undetermined"
    elif (
        "provisional" in states
        or (claims and base != billed)
        or not (claims or selfpay)
        or (setting["charges"] is None and not claims)
        or (selfpay and setting["plans_missing"])
    ):
        state = "provisional"
    else:
        state = "final"
    if selfpay:
        assigned = part = 0 if setting["plans_missing"] else max(0, base)
    else:
        assigned, part = sum(c["assigned"] for c in claims), sum(c["collectible"] for c in claims)
    if doubt:
        assigned = part = 0
    collectible = part if state == "final" else 0
    bears: Counter[str] = Counter()
    for c in claims:
        bears.update(Counter(undetermined=c["left"]) if doubt else c["bears"])
    if base != billed:
        theirs = selfpay and not doubt and not setting["plans_missing"]
        bears["patient" if theirs else "undetermined" if claims or selfpay else "awaited"] += base - billed
    added = max(0, setting["added"])
    bears["patient"] += added
    bears["undetermined"] += min(0, setting["added"])
    payments: list[Any] = [f.body for f in facts["payment.posted"]]
    adjustments: list[Any] = [f.body for f in facts["adjustment.posted"]]
    for kind in ("payer", "patient", "other"):
        cents = sum(b.amount_cents for b in payments if b.paid_by == kind)
        if kind == "payer":
            bears["undetermined"] -= payer_money(payments, claims)
        else:
            bears["patient" if cents > 0 else "undetermined"] -= cents
    given_up: Counter[str] = Counter()
    for b in adjustments:
        given_up[b.kind] += b.amount_cents
    for kind in RELIEVES:
        bears["patient" if given_up[kind] > 0 else "undetermined"] -= given_up[kind]
    off, posted = sum(c["off"] for c in claims), given_up["contractual"]
    write_off(bears, posted - max(0, off) if posted > off else min(0, posted), OTHERS)
    write_off(bears, given_up["other"], (*OTHERS, "patient"))
    found = {
        "state": state,
        "assigned": assigned,
        "collectible": collectible,
        "net": bears["patient"] - part + collectible - (0 if state == "final" else added),
        "balance": bears.total(),
        "claims": claims,
        "part": part,
        "patient": bears["patient"],
        "bears": bears,
    }
    if reconciling and facts["balance.reported"]:
        reconcile(found, every, facts["balance.reported"])
    if found["state"] == "final" and found["net"] < 0:
        found["state"] = "credit"
    return found


def reconcile(found: dict[str, Any], every: list[Fact], reports: list[Fact]) -> None:
    """DET-16: each account's newest report is held against the facts of its day; the lower amount stands.

    Of accounts merged since, a report speaks for those that were one by then.
    """
    told: set[AccountRef] = set()
    for said in sorted(reports, key=lambda f: (f.body.as_of, f.occurred_at, f.id), reverse=True):
        asked: Any = said.body
        account = said.account
        assert account is not None
        if account in told:
            continue
        by = min(said.occurred_at, datetime.combine(asked.as_of, time.max, tzinfo=UTC))
        earlier = [f for f in every if f.occurred_at <= by and f.kind != "balance.reported"]
        then = reckon(earlier, account, False)
        merges = Merges(earlier)
        told |= {account} | {f.account for f in every if f.account and merges.home(f.account)[0] == account}
        found["balance"] += asked.total_cents - then["balance"]
        found["bears"]["undetermined"] += asked.total_cents - then["balance"]
        if asked.patient_cents is not None and then["part"] > 0:
            over = max(0, then["patient"] - max(0, asked.patient_cents))
            found["net"] -= min(over, max(0, found["net"]))
