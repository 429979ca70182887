"""The pure heart: no clock, no I/O, no randomness, no logging, no third-party library."""

from service.core.account import Account, fold
from service.core.case import advance, asks_more
from service.core.decision import decide, read_decision
from service.core.explain import Explanation, explain
from service.core.policy import Policy, parse_policy
from service.core.responsibility import apportion

__all__ = [
    "Account",
    "Explanation",
    "Policy",
    "advance",
    "apportion",
    "asks_more",
    "decide",
    "explain",
    "fold",
    "parse_policy",
    "read_decision",
]
