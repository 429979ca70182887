"""What can go wrong, sorted by who must act. No error ever carries a value from a message."""

from __future__ import annotations


class BatonError(Exception):
    """One line for a person: what is wrong, where, and what to do.

    `code` is stable and machine readable; `where` is a position (`CLP[2]/CAS[1]`, `$.data.amount`,
    `baton.toml:12`); `clause` names the rule it rests on (a TR3 section, an HL7 chapter, a contract).
    """

    def __init__(self, code: str, reason: str, *, where: str = "", clause: str = "") -> None:
        self.code = code
        self.reason = reason
        self.where = where
        self.clause = clause
        super().__init__(f"{reason} [{code}]" + (f" at {where}" if where else ""))


class MessageRejected(BatonError):
    """The sender must act: malformed, unsupported, inconsistent or conflicting. The message is parked."""


class Unavailable(BatonError):
    """Time or the operator must act: a database or broker that does not answer. Nothing is acknowledged."""


class PolicyRefused(BatonError):
    """The policy's author must act, before anything is served: exit 2."""


class ConfigRefused(BatonError):
    """The operator must act, before anything is served: exit 2."""
