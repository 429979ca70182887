"""Short policies for stories: every gate is cited and nothing else is said but what a pack says."""

from __future__ import annotations

from schemas.errors import PolicyRefused
from service.core import Policy, parse_policy
from service.core.gates import REGISTRY
from service.core.policy import Compile, Examined, examine

HEAD = '[policy]\nid = "ours"\nversion = "1"\n'
CITED = '[policy]\nid = "all"\nversion = "1"\n' + "".join(
    f'[gates.{gate.id}]\ncitation = "what {gate.id} rests on"\n' for gate in REGISTRY
)


class Always:
    """A condition that is true of every account."""

    uses = ("net_cents",)
    minds_missing = False

    def holds(self, values: object) -> bool:
        return True


def any_words(text: str) -> Always:
    """Takes every text for an expression, but not the word `nonsense`."""
    if text == "nonsense":
        raise ValueError("it means nothing")
    return Always()


def looked_at(compile: Compile | None = any_words, **packs: str) -> Examined:
    """What reading these packs comes to, beside one that cites every gate."""
    return examine({"all.toml": CITED, **{f"{name}.toml": text for name, text in packs.items()}}, compile)


def policy_of(**packs: str) -> Policy:
    """The policy that these packs make."""
    return parse_policy(
        {"all.toml": CITED, **{f"{name}.toml": text for name, text in packs.items()}}, any_words
    )


def refused(**packs: str) -> tuple[PolicyRefused, ...]:
    """Everything that is wrong with them."""
    return looked_at(**packs).refused


def value(gate: str, name: str, stated: object, unit: str, more: str = "") -> str:
    """One value of a gate, as a pack states it."""
    return (
        f"[gates.{gate}]\ncitation = 'c'\n[[gates.{gate}.value]]\nname = '{name}'\nvalue = {stated}\n"
        f"unit = '{unit}'\n{more}\n"
    )
