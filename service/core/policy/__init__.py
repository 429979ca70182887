"""Policy as data: dated, cited parameters for gates and our own classes for reason and remark codes."""

from service.core.policy.codes import CLASSES, EFFECTS, UNKNOWN, Code
from service.core.policy.comparing import Difference, compare, in_words
from service.core.policy.idle import Warned
from service.core.policy.lines import Lines
from service.core.policy.packs import Examined, examine, parse_policy
from service.core.policy.policy import Policy
from service.core.policy.rules import VALUES, AccountValue, Compile, Condition, Rule, Value, shown
from service.core.policy.scope import SCOPE_KEYS
from service.core.policy.terms import DIRECTIONS, Pack, Period, Terms, Values

__all__ = [
    "CLASSES",
    "DIRECTIONS",
    "EFFECTS",
    "Lines",
    "SCOPE_KEYS",
    "UNKNOWN",
    "AccountValue",
    "Code",
    "Compile",
    "Condition",
    "Difference",
    "Examined",
    "Pack",
    "Period",
    "Policy",
    "Rule",
    "Terms",
    "VALUES",
    "Value",
    "shown",
    "Values",
    "Warned",
    "compare",
    "examine",
    "in_words",
    "parse_policy",
]
