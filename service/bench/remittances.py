"""Made-up X12 835 files: small ones of fifty claims, and one of any size, written as it is read.

Source: 005010X221A1, in our own words and numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from schemas.money import format_cents

CLAIM_CENTS: Final = 60000
PATIENT_CENTS: Final = 14217
CONTRACTUAL_CENTS: Final = 10000
PAID_CENTS: Final = CLAIM_CENTS - PATIENT_CENTS - CONTRACTUAL_CENTS

CHUNK_CLAIMS: Final = 200


@dataclass(frozen=True, slots=True)
class Remittance:
    """One payment of one payer: `claims` claims, of `lines` service lines each, that add up to the cent.

    Account numbers run from `first` on, so two remittances need not speak of the same accounts.
    """

    claims: int
    today: date
    first: int = 0
    lines: int = 2
    prefix: str = "X"

    def body(self) -> bytes:
        """The whole file."""
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """The file in pieces, so that one of any size needs no memory."""
        yield self._head().encode()
        for begin in range(0, self.claims, CHUNK_CLAIMS):
            end = min(begin + CHUNK_CLAIMS, self.claims)
            yield "".join(self._claim(n) for n in range(begin, end)).encode()
        yield self._tail().encode()

    def _day(self) -> str:
        return self.today.strftime("%Y%m%d")

    def _head(self) -> str:
        day = self._day()
        paid = format_cents(PAID_CENTS * self.claims)
        return (
            f"ISA*00*          *00*          *ZZ*EXAMPLEPAYER   *ZZ*GENERALHOSP    *{day[2:]}*1200*^*00501*"
            f"{self.first % 999999999:09d}*0*P*:~\n"
            f"GS*HP*EXAMPLEPAYER*GENERALHOSP*{day}*1200*1*X*005010X221A1~\n"
            "ST*835*0001~\n"
            f"BPR*I*{paid}*C*ACH*CCP*01*999999992*DA*123456*1512345678**01*999988880*DA*98765*{day}~\n"
            f"TRN*1*EFT{self.first}*1512345678~\n"
            f"DTM*405*{day}~\n"
            "N1*PR*EXAMPLE HEALTH*XV*60054~\nN3*1 MAIN ST~\nN4*SPRINGFIELD*OH*45501~\n"
            "PER*BL*CLAIMS*TE*5550100~\n"
            "N1*PE*GENERAL HOSPITAL*XX*1234567893~\n"
            "LX*1~\n"
        )

    def _claim(self, number: int) -> str:
        at = self.first + number
        day = self._day()
        text = (
            f"CLP*{self.prefix}{at:08d}*1*{format_cents(CLAIM_CENTS)}*{format_cents(PAID_CENTS)}*"
            f"{format_cents(PATIENT_CENTS)}*12*PC{at:08d}*13*1~\n"
            f"NM1*QC*1*SAMPLE*PAT****MI*M{at:08d}~\nDTM*232*{day}~\nDTM*233*{day}~\n"
        )
        return text + "".join(self._line(n, day) for n in range(self.lines))

    def _line(self, number: int, day: str) -> str:
        patient = _part(PATIENT_CENTS, number, self.lines)
        contractual = _part(CONTRACTUAL_CENTS, number, self.lines)
        charge = _part(CLAIM_CENTS, number, self.lines)
        return (
            f"SVC*HC:99223*{format_cents(charge)}*{format_cents(charge - patient - contractual)}**1~\n"
            f"DTM*472*{day}~\nCAS*CO*45*{format_cents(contractual)}~\nCAS*PR*1*{format_cents(patient)}~\n"
            f"REF*6R*{number + 1}~\n"
        )

    def _tail(self) -> str:
        segments = 11 + self.claims * (4 + 5 * self.lines)
        control = f"{self.first % 999999999:09d}"
        return f"SE*{segments}*0001~\nGE*1*1~\nIEA*1*{control}~\n"


def of_size(size_bytes: int, today: date) -> Remittance:
    """One transaction of about so many bytes, with twenty service lines a claim, as a hospital stay has."""
    one, two = (len(Remittance(claims, today, lines=20).body()) for claims in (1, 2))
    return Remittance(max(1, size_bytes // (two - one)), today, lines=20, prefix="L")


def _part(cents: int, number: int, lines: int) -> int:
    """An amount cut into lines; the first one carries what does not divide."""
    even = cents // lines
    return even + (cents - even * lines if number == 0 else 0)
