# ruff: noqa: E501
"""One table of hostile messages: what each is, and what becomes of it behind every door.

Every text in them that a sender chose holds the canary, which may stand in a stored message and in the account
that waits with it, and nowhere else: in no reason, log line, error body or line of a terminal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

CANARY: Final = "ZQCANARY"
MIB: Final = 1 << 20
LARGEST_BYTES: Final = 16_500_000
"""The limit on a message while these tests run: above the deepest nest, below the largest body."""


@dataclass(frozen=True)
class Hostile:
    """A message and its verdict. `parked` holds the codes in order; none of them: accepted, or a duplicate.

    `detected`: the codes where nothing names the format (a file). `seen`: those that decoding alone can find.
    `http`: status and code of a refusal, when the HTTP door does not take it at all.
    """

    name: str
    body: bytes
    format: str
    parked: tuple[str, ...] = ()
    verdict: str = ""
    detected: tuple[str, ...] | None = None
    seen: tuple[str, ...] | None = None
    http: tuple[int, str] | None = None

    @property
    def disposition(self) -> str:
        return "parked" if self.parked else self.verdict or "accepted"

    @property
    def as_file(self) -> tuple[str, ...]:
        return self.parked if self.detected is None else self.detected

    @property
    def inspected(self) -> tuple[str, ...]:
        return self.as_file if self.seen is None else self.seen


def charge(name: str, **changes: Any) -> dict[str, Any]:
    """A good charge of an account of its own; `changes` replace fields of the envelope, `data__x` of the data."""
    data: dict[str, Any] = {
        "charge_id": f"{CANARY}-{name}",
        "amount": "12.50",
        "service_date": "2026-03-14",
        "description": CANARY,
    }
    whole: dict[str, Any] = {
        "schema": "baton/1", "type": "charge.posted", "id": f"{CANARY}-{name}", "source": CANARY,
        "occurred_at": "2026-03-14T09:30:00Z", "account": {"facility": "GEN", "number": f"{CANARY}-{name}"}, "data": data,
    }  # fmt: skip
    for field, value in changes.items():
        if field.startswith("data__"):
            data[field.removeprefix("data__")] = value
        else:
            whole[field] = value
    return whole


def sent(value: object) -> bytes:
    return json.dumps(value).encode()


def with_amount(name: str, text: bytes) -> bytes:
    """A good charge with this JSON text as its amount."""
    return sent(charge(name)).replace(b'"12.50"', text)


def with_description(name: str, text: bytes) -> bytes:
    return sent(charge(name)).replace(b'"description": "' + CANARY.encode() + b'"', b'"description": ' + text)


def on_account(name: str, number: str) -> bytes:
    return sent(charge(name, account={"facility": "GEN", "number": number}))


ISA: Final = "ISA*00*          *00*          *ZZ*PAYER          *ZZ*HOSPITAL       *260315*0830*^*00501*000000005*0*T*:~"
GS: Final = "GS*HP*P*H*20260315*0830*5*X*005010X221A1~"
END: Final = "GE*1*5~IEA*1*000000005~"


def header(trace: str, payment: str) -> str:
    return (
        f"BPR*I*{payment}*C*ACH************20260315~TRN*1*{CANARY}{trace}*1512345678~DTM*405*20260315~"
        f"N1*PR*{CANARY} HEALTH*XV*60054~N1*PE*EXAMPLE HOSPITAL*XX*1234567893~LX*1~"
    )


def remittance(
    name: str, *segments: str, payment: str = "100", count: str | None = None, end: str = END
) -> bytes:
    """One interchange with one 835 around these segments; the counts are right unless `count` says otherwise."""
    body = f"ST*835*0001~{header(name, payment)}{''.join(segments)}"
    return f"{ISA}{GS}{body}SE*{count or body.count('~') + 1}*0001~{end}".encode()


def paid(name: str) -> str:
    """A claim paid in full, on an account of its own."""
    return f"CLP*{CANARY}-{name}*1*100*100**12*{CANARY}~NM1*QC*1*{CANARY}*ALEX~"


def another(kind: str) -> bytes:
    """A transaction that is no remittance."""
    return f"{ISA}{GS}ST*{kind}*0001*005010X~BHT*0019*00*{CANARY}*20260315*0830*CH~NM1*41*2*{CANARY}~SE*4*0001~{END}".encode()


def _json() -> Iterator[Hostile]:
    def bad(name: str, body: bytes, *parked: str, **more: Any) -> Hostile:
        return Hostile(f"json {name}", body, "json", parked, **more)

    def odd(name: str, body: bytes, verdict: str = "accepted", **more: Any) -> Hostile:
        return Hostile(f"json {name}", body, "json", (), verdict, **more)

    good = sent(charge("whole"))
    deep = b'{"' + CANARY.encode() + b'":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    nothing = ("unknown-format",)
    yield odd("whole", good)
    yield odd("the very same bytes", good, "duplicate")
    yield odd("the same fact in other bytes", good + b"\n", "duplicate")
    yield bad("truncated", sent(charge("cut"))[:-30], "not-json")
    yield bad("binary", bytes(range(128, 256)) + CANARY.encode(), "not-utf8", detected=nothing)
    yield bad("empty", b"", "not-json", detected=nothing, http=(400, "empty-body"))
    yield bad("blank", b" \r\n\t", "not-json", detected=nothing)
    yield bad(
        "enormous",
        b'{"x":"' + CANARY.encode() + b"x" * LARGEST_BYTES + b'"}',
        "too-large",
        http=(413, "too-large"),
    )
    yield bad("a message over 1 MiB", sent(charge("mib", x="x" * MIB)), "too-large")
    yield bad("a nest of 16 MB", b"[" * 16_000_000 + CANARY.encode(), "too-many")
    yield bad("a nest of 1 MB", b"[" * 1_000_000 + CANARY.encode(), "too-deep")
    yield bad("a nest of 100,000", deep, "too-deep")
    yield bad(
        "16 MB of empty objects", b"[" + b"{}," * 5_300_000 + b'"' + CANARY.encode() + b'"]', "too-many"
    )
    yield bad(
        "16 MB of escaped colons",
        b'["\\u003a' + CANARY.encode() + b'",' + b"[]," * 5_300_000 + b"0]",
        "too-many",
    )
    yield bad("1 MB of empty lists", b'{"x":[' + b"[]," * 340_000 + b"0]}", "missing-field")
    yield bad("25 levels", sent(charge("deep", x=json.loads("[" * 25 + "]" * 25))), "too-deep")
    yield bad("wrong separators", good.replace(b":", b"=").replace(b",", b";"), "not-json")
    yield bad("single quotes", sent(charge("quotes")).replace(b'"', b"'"), "not-json")
    yield bad("two in one body", sent(charge("two")) * 2, "not-json")
    yield bad("NaN", with_amount("nan", b"NaN"), "not-json")
    yield bad("NaN in quotes", with_amount("nan-text", b'"NaN"'), "not-an-amount")
    yield bad("Infinity", with_amount("infinity", b"-Infinity"), "not-json")
    yield bad("three decimals", with_amount("three", b'"12.345"'), "not-an-amount")
    yield bad("a float", with_amount("float", b"12.50"), "not-an-amount")
    yield bad("an exponent", with_amount("exponent", b'"1e3"'), "not-an-amount")
    yield bad("a number beyond all", with_amount("beyond", b"1e999"), "not-an-amount")
    yield bad("a million digits", with_amount("digits", b"9" * 1_000_000), "not-an-amount")
    yield bad("Arabic digits", with_amount("arabic", '"١٢.٣٤"'.encode()), "not-an-amount")
    yield bad("full-width digits", with_amount("wide", '"１２.５０"'.encode()), "not-an-amount")
    yield bad("underscores", with_amount("under", b'"1_000.00"'), "not-an-amount")
    yield bad("beyond the largest amount", with_amount("largest", b'"100000000.00"'), "not-an-amount")
    yield odd("the largest amount", with_amount("just", b'"99999999.99"'))
    yield bad("negative zero", with_amount("zero", b'"-0.00"'), "not-an-amount")
    yield bad(
        "a repeated key",
        sent(charge("twice")).replace(b'"amount":', b'"amount": "1.00", "amount":'),
        "duplicate-key",
    )
    yield bad(
        "a repeated key, escaped",
        sent(charge("twice2")).replace(b'"amount":', b'"\\u0061mount": "1.00", "amount":'),
        "duplicate-key",
    )
    yield bad("an array of 1,001", sent([charge(f"many-{n}") for n in range(1001)]), "too-many")
    yield bad(
        "an array with one bad of 1,000",
        sent([charge(f"of-{n}", data__amount="12.345" if n == 500 else "1.00") for n in range(1000)]),
        "not-an-amount",
    )
    yield odd("an empty array", b"[]")
    yield bad(
        "an array of nulls", b"[null, " + sent(charge("null")) + b", 1]", "not-an-object", "not-an-object"
    )
    yield bad("a scalar", b'"' + CANARY.encode() + b'"', "not-an-object", detected=nothing)
    yield bad("NUL, escaped", with_description("nul", b'"a\\u0000b"'), "not-allowed-character")
    yield bad("NUL, raw", with_description("raw-nul", b'"a\0b"'), "not-json")
    yield bad("a lone surrogate", with_description("half", b'"a\\ud800b"'), "not-allowed-character")
    yield bad(
        "a lone surrogate as account",
        sent(charge("half-account")).replace(CANARY.encode() + b'-half-account"}', b'\\udfff"}'),
        "not-allowed-character",
    )
    yield bad("overlong UTF-8", with_description("overlong", b'"\xc0\xaf"'), "not-utf8")
    yield bad("Latin-1", with_description("latin", b'"\xe9"'), "not-utf8")
    yield bad("UTF-16", sent(charge("utf16")).decode().encode("utf-16"), "not-utf8", detected=nothing)
    yield odd("a byte order mark", b"\xef\xbb\xbf" + sent(charge("bom")))
    yield bad("an unknown type", sent(charge("type", type=CANARY)), "unknown-type")
    yield bad("another contract", sent(charge("contract", schema="baton/2")), "schema-unknown")
    yield bad(
        "a missing field", sent({k: v for k, v in charge("missing").items() if k != "id"}), "missing-field"
    )
    yield bad("a missing amount", sent(charge("amountless", data={"charge_id": CANARY})), "missing-field")
    yield bad("another kind of value", sent(charge("kind", account=[CANARY])), "not-an-object")
    yield odd("an id used first", sent(charge("reused")))
    yield bad(
        "an id used again",
        sent(charge("reused", data__charge_id=f"{CANARY}-other", data__amount="99.00")),
        "id-reused",
        seen=(),
    )
    yield odd("a charge told first", sent(charge("told", id=f"{CANARY}-told-1")))
    yield bad(
        "a charge told otherwise",
        sent(charge("told", id=f"{CANARY}-told-2", data__amount="99.00")),
        "conflict",
        seen=(),
    )
    yield odd(
        "unknown fields",
        sent(charge("unknown", surplus=CANARY, data__surplus=[{CANARY: CANARY}], **{f"{CANARY} FIELD": 1})),
    )
    yield odd(
        "a formula",
        sent(charge("formula", data__description="=cmd|'/C calc'!A0 " + CANARY, id="=1+1" + CANARY)),
    )
    yield bad(
        "CR and LF in an id", sent(charge("crlf", id=f"{CANARY}\r\nlevel=error")), "not-allowed-character"
    )
    yield bad("ANSI in an id", sent(charge("ansi", id=f"\x1b[31m{CANARY}\x1b[0m")), "not-allowed-character")
    yield bad("ANSI in a type", sent(charge("ansi-type", type=f"\x1b[2J{CANARY}")), "unknown-type")
    yield bad(
        "ANSI in a name of a field",
        sent(charge("ansi-name", **{f"\x1b[2J{CANARY}": 1, "account": 1})),
        "not-an-object",
    )
    yield bad("ANSI in an account", on_account("ansi-account", f"A\x1b[31m{CANARY}"), "not-allowed-character")
    yield bad("a zero-width account", on_account("unseen", f"{CANARY}\u200b1"), "not-allowed-character")
    yield bad("a right-to-left account", on_account("turned", f"{CANARY}\u202e1"), "not-allowed-character")
    yield bad(
        "a no-break blank in an account", on_account("blank", f"{CANARY}\u00a01"), "not-allowed-character"
    )
    yield bad(
        "a private character in an account",
        on_account("private", f"{CANARY}\ue0001"),
        "not-allowed-character",
    )
    yield bad(
        "an invisible tag in an account", on_account("tag", f"{CANARY}\U000e00411"), "not-allowed-character"
    )
    yield bad("an invisible id", sent(charge("unseen-id", id=f"{CANARY}\u2060")), "not-allowed-character")
    yield bad("an account of 200 characters", on_account("long", f"{CANARY}{'9' * 192}"), "too-long")
    yield bad("an empty account", on_account("none", ""), "empty")
    yield bad("30 February", sent(charge("day", data__service_date="2026-02-30")), "not-a-date")
    yield bad(
        "a time without offset", sent(charge("offset", occurred_at="2026-03-14T09:30:00")), "not-a-timestamp"
    )
    yield odd("a far future", sent(charge("future", occurred_at="2999-12-31T00:00:00Z")))
    yield bad("a year beyond", sent(charge("year", occurred_at="9999-12-31T00:00:00Z")), "not-a-timestamp")
    yield bad("a remittance under this key", remittance("jsonkey", paid("jsonkey")), "not-json", detected=())


def _x12() -> Iterator[Hostile]:
    def bad(name: str, body: bytes, *parked: str, **more: Any) -> Hostile:
        return Hostile(f"x12 {name}", body, "x12", parked, **more)

    def odd(name: str, body: bytes, verdict: str = "accepted") -> Hostile:
        return Hostile(f"x12 {name}", body, "x12", (), verdict)

    def claim(name: str, *segments: str, payment: str = "0", **more: Any) -> bytes:
        return remittance(name, *segments, payment=payment, **more)

    def clp(name: str, charge: str, paid: str = "0") -> str:
        return f"CLP*{CANARY}-{name}*1*{charge}*{paid}~"

    nothing = ("unknown-format",)
    whole = remittance("whole", paid("x12-whole"))
    yield odd("whole", whole)
    yield odd("the very same bytes", whole, "duplicate")
    yield odd("newlines between segments", remittance("lines", paid("lines")).replace(b"~", b"~\r\n"))
    yield odd("newline as terminator", remittance("newline", paid("newline")).replace(b"~", b"\n"))
    yield odd("blank lines", remittance("blanks", paid("blanks")).replace(b"~", b"~\n\n \n"))
    yield odd("a byte order mark", b"\xef\xbb\xbf" + remittance("bom", paid("x12-bom")))
    yield odd(
        "other separators",
        remittance("marks", paid("marks")).translate(bytes.maketrans(b"*:~", b"|\x1f\x1c")),
    )
    yield bad("empty, under this key", b"\r\n\x1a", "empty", detected=nothing)
    yield bad(
        "binary", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) + CANARY.encode(), "not-x12", detected=nothing
    )
    yield bad("JSON under this key", sent(charge("x12key")), "not-x12", detected=())
    yield bad("enormous", whole + b"N" * LARGEST_BYTES, "too-large", http=(413, "too-large"))
    yield bad("ISA alone", ISA.encode(), "truncated")
    yield bad("half an ISA", ISA.encode()[:60], "truncated")
    yield bad("an ISA of letters", whole.replace(b"*", b"A"), "separators", detected=nothing)
    yield bad("a letter as terminator", whole.replace(b"T*:~", b"T*:Q"), "separators")
    yield bad("equal separators", whole.replace(b"T*:~", b"T*~~"), "separators")
    yield bad("truncated", remittance("cut", paid("x12-cut"))[:-60], "truncated")
    yield bad(
        "no SE",
        remittance("se", paid("se"), paid("se2"), payment="200", end="").rpartition(b"SE*")[0],
        "truncated",
        "truncated",
    )
    yield bad("SE with a wrong count", remittance("count", paid("count"), count="99"), "segment-count")
    yield bad(
        "GE with a wrong count", remittance("ge", paid("ge"), end="GE*7*5~IEA*1*000000005~"), "group-count"
    )
    yield bad(
        "IEA with a wrong count",
        remittance("iea", paid("iea"), end="GE*1*5~IEA*9*000000005~"),
        "interchange-count",
    )
    yield bad("an ISA in an open ISA", ISA.encode() + remittance("isaisa", paid("isaisa")), "truncated")
    yield odd("two interchanges", remittance("first", paid("first")) + remittance("second", paid("second")))
    yield bad(
        "text between interchanges",
        remittance("one", paid("one")) + CANARY.encode() + b"*1~" + remittance("two", paid("two")),
        "stray",
    )
    for name, text, code in (
        ("NaN", "NaN", "amount-unreadable"), ("Infinity", "Infinity", "amount-unreadable"),
        ("an exponent", "1e3", "amount-unreadable"), ("a plus sign", "+100", "amount-unreadable"),
        ("a comma", "1,000.00", "amount-unreadable"), ("Arabic digits", "١٢", "amount-unreadable"),
        ("letters", CANARY, "amount-unreadable"), ("beyond the largest amount", "999999999999.00", "amount-unreadable"),
        ("three decimals", "10.001", "amount-not-whole-cents"), ("no amount", "", "amount-missing"),
    ):  # fmt: skip
        slug = name.replace(" ", "-")
        yield bad(f"CLP03 with {name}", remittance(slug, paid(f"{slug}-near"), clp(slug, text)), code)
    yield bad("CLP04 with letters", claim("paid", clp("paid", "0", CANARY)), "amount-unreadable")
    yield bad("a status nobody knows", claim("status", f"CLP*{CANARY}-status*6*0*0~"), "claim-status")
    yield bad(
        "a group nobody knows", claim("group", clp("group", "10"), f"CAS*{CANARY}*45*10~"), "adjustment-group"
    )
    yield bad(
        "a claim that does not add up", claim("sums", clp("sums", "100"), "CAS*CO*45*2~"), "claim-unbalanced"
    )
    yield bad(
        "100,000 empty claims",
        claim("claims", "CLP*~" * 100_000),
        *["account-missing"] * 1000,
        "too-many-parts",
    )
    yield bad(
        "250,000 empty claims",
        claim("more-claims", "CLP*~" * 250_000),
        *["account-missing"] * 1000,
        "too-many-parts",
    )
    yield bad(
        "a segment of 1 MB",
        remittance("segment", paid("segment"), "REF*F8*" + CANARY + "x" * 1_000_000 + "~"),
        "truncated",
        "truncated",
        "segment-too-long",
    )
    yield bad("a terminator that never comes", ISA.encode() + CANARY.encode() * 30_000, "segment-too-long")
    yield odd("a claim with 10,000 CAS", claim("cas", clp("cas", "100"), "CAS*CO*45*0.01~" * 10_000))
    yield bad(
        "a claim without end", claim("lines", clp("x12-lines", "0"), "SVC*~" * 120_000), "claim-too-large"
    )
    yield bad(
        "a PLB of letters",
        remittance("plb", paid("plb"), f"PLB*1*20261231*WO:{CANARY}*{CANARY}~"),
        "provider-adjustment-unreadable",
    )
    yield bad(
        "a PLB without its amount",
        remittance("plb2", paid("plb2"), f"PLB*1*20261231*WO:{CANARY}*~"),
        "provider-adjustment-missing",
    )
    yield bad("a BPR02 of letters", remittance("bpr", paid("bpr"), payment=CANARY), "payment-unreadable")
    yield bad(
        "no payer and no day",
        ISA.encode() + GS.encode() + f"ST*835*0001~BPR*I*0~{clp('noday', '0')}SE*4*0001~{END}".encode(),
        "payer-missing",
    )
    yield bad(
        "30 February", remittance("day", paid("day")).replace(b"20260315~", b"20260230~"), "date-missing"
    )
    for kind in ("837", "834", "277"):
        yield bad(f"an {kind}", another(kind), "unsupported-transaction")
    yield bad("a claim without number", claim("number", "CLP**1*0*0~"), "account-missing")
    yield bad("a control in CLP01", claim("bell", f"CLP*{CANARY}\x07\x1b[31m*1*0*0~"), "account-missing")
    yield bad("a zero-width CLP01", claim("zero", f"CLP*{CANARY}\u200b*1*0*0~"), "account-missing")
    yield bad("a right-to-left CLP01", claim("rtl", f"CLP*{CANARY}\u202e*1*0*0~"), "account-missing")
    yield bad(
        "a CLP01 of 200 characters", claim("long", f"CLP*{CANARY}{'9' * 192}*1*0*0~"), "account-missing"
    )
    yield odd("a formula as CLP01", claim("formula", f"CLP*=cmd|{CANARY}*1*0*0~"))
    yield bad("a NUL amid a number", claim("nul", f"CLP*{CANARY}\x00A*1*0*0~"), "account-missing")
    yield bad(
        "a claim segment before any claim",
        remittance("place", "CAS*PR*1*5~", paid("place")),
        "segment-out-of-place",
    )


def _hl7v2() -> Iterator[Hostile]:
    def adt(name: str, *more: str, event: str = "ADT^A04", number: str | None = None) -> bytes:
        control = f"{CANARY}-{name}"
        account = control if number is None else number
        lines = [
            f"MSH|^~\\&|{CANARY}|GEN|||20260314093000||{event}|{control}|P|2.5",
            f"PID|1||1||{CANARY}^{CANARY}|||||||||||||{account}",
            *more,
        ]
        return ("\r".join(lines) + "\r").encode()

    def bad(name: str, body: bytes, *parked: str, **more: Any) -> Hostile:
        return Hostile(f"hl7v2 {name}", body, "hl7v2", parked, **more)

    whole = adt("whole")
    yield Hostile("hl7v2 whole", whole, "hl7v2")
    yield Hostile("hl7v2 the very same bytes", whole, "hl7v2", (), "duplicate")
    yield bad("no account", adt("none", number=""), "account-missing")
    yield bad("another event", adt("oru", event="ORU^R01"), "unsupported-event")
    yield bad("a line that is no segment", adt("stray", f"torn {CANARY}"), "stray-line")
    yield bad("a field of 70 kB", adt("field", f"NTE|1||{CANARY}{'x' * 70_000}"), "field-too-long")
    yield bad("1,000 repetitions", adt("again", "NTE|1||" + f"{CANARY}~" * 1000), "too-many-repetitions")
    yield bad("5,001 segments", adt("many", *["NTE"] * 5001), "too-many-segments")
    yield bad("no separators", b"MSH||||" + CANARY.encode(), "separators")
    yield bad(
        "a control id used before",
        whole.replace(b"2.5\r", b"2.4\r").replace(b"^" + CANARY.encode(), b"^other"),
        "id-reused",
        seen=(),
    )


TABLE: Final = (*_json(), *_x12(), *_hl7v2())
