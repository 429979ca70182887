"""Reading policy packs: everything in them is checked, and what is wrong is said with file and line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from schemas.canonical import digest, to_bytes
from schemas.errors import PolicyRefused
from service.core.gates import Facility
from service.core.policy.codes import CLASSES, EFFECTS, Code
from service.core.policy.idle import Warned, idle
from service.core.policy.policy import Policy, Shelf
from service.core.policy.reading import DAYS, PackText, Reading, is_said
from service.core.policy.rules import Compile
from service.core.policy.ruling import read_rule
from service.core.policy.scope import SCOPE_KEYS, folded
from service.core.policy.stating import read_gate, read_overrides
from service.core.policy.terms import Book, Dated, Pack

_HEAD: Final = {"id", "version", "precedence", "shadow", "note"}
_SECTIONS: Final = {"policy", "scope", "facility", "gates", "reason", "remark", "group", "rule", "overrides"}
_FOR_EVERYBODY: Final = ("facility", "reason", "remark", "group")
_HIGHEST: Final = 1000


@dataclass(frozen=True, slots=True)
class Examined:
    """What reading packs came to: a policy where nothing is wrong, and everything there is to say."""

    policy: Policy | None
    refused: tuple[PolicyRefused, ...]
    warned: tuple[Warned, ...]


def parse_policy(texts: Mapping[str, str], compile: Compile | None = None) -> Policy:
    """Read policy packs, given as file name to TOML text; `compile` checks the expressions of house rules.

    Raises:
        PolicyRefused: the first thing that is wrong: a pack is no TOML, names an unknown gate, parameter or
            key, gives a gate without a citation, a value of the wrong type, or two values for one day.
    """
    policy, refused, _ = _read(texts, compile)
    if policy is None:
        raise refused[0]
    return policy


def examine(texts: Mapping[str, str], compile: Compile | None = None) -> Examined:
    """Read policy packs and say everything that is wrong with them, and what has no effect."""
    policy, refused, book = _read(texts, compile)
    return Examined(policy, tuple(refused), idle(book) if policy is not None else ())


def _read(
    texts: Mapping[str, str], compile: Compile | None
) -> tuple[Policy | None, list[PolicyRefused], Book]:
    reading = Reading(compile)
    content: dict[str, Any] = {}
    for name in sorted(texts):
        pack = PackText(reading, name, texts[name])
        if pack.table is not None:
            content[name] = pack.table
            _read_pack(pack, pack.table)
    book = reading.book()
    if not reading.refused:
        reading.check_citations(book)
    if reading.refused:
        return None, reading.refused, book
    return Shelf(book, digest(to_bytes(content))).view(), [], book


def _read_pack(pack: PackText, table: dict[str, Any]) -> None:
    """Read every section."""
    pack.only(table, _SECTIONS, (), "unknown-section", "section")
    said = _head(pack, table)
    pack.all.packs.append(said)
    if said.scope is not None:
        for section in _FOR_EVERYBODY:
            if section in table:
                text = f"a pack with a [scope] cannot hold [{section}]: it is the same for every account"
                pack.refuse("not-in-scoped-pack", text, section)
    for name, stated in pack.section(table, "facility").items():
        _facility(pack, name, stated)
    for gate_id, stated in pack.section(table, "gates").items():
        read_gate(pack, gate_id, stated)
    for kind, allowed, label in (("reason", CLASSES, "class"), ("remark", EFFECTS, "effect")):
        for n, entry in enumerate(pack.entries(table, kind)):
            _code(pack, kind, entry, n, (allowed, label))
    for n, entry in enumerate(pack.entries(table, "group")):
        _group(pack, entry, n)
    for n, entry in enumerate(pack.entries(table, "rule")):
        read_rule(pack, entry, n)
    if "overrides" in table:
        read_overrides(pack, pack.section(table, "overrides"))


def _head(pack: PackText, table: dict[str, Any]) -> Pack:
    head = pack.section(table, "policy")
    pack.only(head, _HEAD, ("policy",), "unknown-key", "[policy]:")
    id, version = head.get("id"), head.get("version")
    if not (_is_name(id) and _is_name(version)):
        pack.refuse("policy-without-version", "[policy] needs id and version, each one word", "policy")
        id = version = ""
    if id and any(other.id == id for other in pack.all.packs):
        pack.refuse("pack-twice", f"another pack has the id {id} already", "policy", "id")
    precedence = head.get("precedence", 0)
    if type(precedence) is not int or not 0 <= precedence <= _HIGHEST:
        text = f"precedence is a whole number from 0 to {_HIGHEST}"
        pack.refuse("wrong-type", text, "policy", "precedence")
        precedence = 0
    scope = _scope(pack, pack.section(table, "scope")) if "scope" in table else None
    if scope is not None and "precedence" in head:
        text = "a pack with a [scope] has no precedence: the strictest value is in force"
        pack.refuse("precedence-in-scoped-pack", text, "policy", "precedence")
    shadow = head.get("shadow", False)
    if not isinstance(shadow, bool):
        pack.refuse("wrong-type", "shadow is true or false", "policy", "shadow")
    return Pack(pack.file, id, version, precedence, scope, shadow)


def _scope(pack: PackText, stated: dict[str, Any]) -> dict[str, frozenset[str]]:
    pack.only(stated, set(SCOPE_KEYS), ("scope",), "unknown-scope-key", "[scope]:")
    scope: dict[str, frozenset[str]] = {}
    for key in SCOPE_KEYS:
        if key not in stated:
            continue
        words = stated[key]
        if not isinstance(words, list) or not words or not all(map(is_said, words)):
            pack.refuse("wrong-type", f"[scope] {key} is a list of texts, at least one", "scope", key)
            continue
        scope[key] = frozenset(folded(word) for word in words)
    return scope


def _facility(pack: PackText, name: str, stated: Any) -> None:
    path = ("facility", name)
    if not isinstance(stated, dict):
        pack.refuse("wrong-type", f"write facility {name} as [facility.{name}]", *path)
        return
    pack.only(stated, {"state", "kind", "tax_exempt", "note"}, path, "unknown-key", f"[facility.{name}]:")
    for key, kind in (("state", str), ("kind", str), ("tax_exempt", bool)):
        if key in stated and not (type(stated[key]) is bool if kind is bool else is_said(stated[key])):
            what = "true or false" if kind is bool else "a text"
            pack.refuse("wrong-type", f"[facility.{name}] {key} is {what}", *path, key)
            return
    if pack.wins(pack.all.facilities, folded(name), f"facility {name}", path):
        facility = Facility(name, stated.get("state"), stated.get("kind"), stated.get("tax_exempt"))
        pack.all.facilities[folded(name)] = pack.at, facility


def _code(
    pack: PackText, kind: str, entry: dict[str, Any], n: int, allowed: tuple[frozenset[str], str]
) -> None:
    words, label = allowed
    codes, text = entry.get("codes"), entry.get("text")
    if not isinstance(codes, list) or not codes or not all(map(is_said, codes)):
        pack.refuse("wrong-type", f"a {kind} entry needs a list of codes", kind, n, "codes")
        return
    name = f"{kind} {codes[0]}"
    if not pack.only(entry, {"codes", label, "text", "note"} | DAYS, (kind, n), "unknown-key", f"{name}:"):
        return
    if entry.get(label) not in sorted(words):
        known = ", ".join(sorted(words))
        pack.refuse("unknown-class", f"{name}: unknown {label}; known are {known}", kind, n, label)
        return
    if not is_said(text):
        pack.refuse("code-without-text", f"{name} has no sentence", kind, n, "text")
        return
    days = pack.days(entry, name, (kind, n))
    if days is None:
        return
    new = Dated(Code(entry[label], text), *days, pack.at, pack.lines.of(kind, n))
    for code in codes:
        pack.add(pack.all.codes.setdefault((kind, code), []), new, f"{kind} {code}", (kind, n, "codes"))


def _group(pack: PackText, entry: dict[str, Any], n: int) -> None:
    code, text = entry.get("code"), entry.get("text")
    if set(entry) != {"code", "text"} or not isinstance(code, str) or not isinstance(text, str):
        pack.refuse("wrong-type", "a group entry is code and text", "group", n)
    elif pack.wins(pack.all.groups, code, f"group {code}", ("group", n)):
        pack.all.groups[code] = pack.at, text


def _is_name(text: Any) -> TypeGuard[str]:
    return isinstance(text, str) and bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text))
