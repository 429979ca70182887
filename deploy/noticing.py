"""Who notices a mutant of the pure core: the second opinion over histories, and tests that enter a function.

The tests are collected once and run once, to learn which of them enter which function. In a forked process
one function's code is exchanged then, and only what enters that function is asked: the second opinion, then
tests, fastest first, until one fails. What is worked out while a module is imported cannot be exchanged: such
a mutant is imported anew in a process of its own, and so is one that nobody noticed in a function that runs
during imports.
"""

from __future__ import annotations

import cProfile
import functools
import gc
import importlib
import importlib.abc
import importlib.util
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest
from mutation import ROOT, Mutant

FIRST = 250
"""So many histories are asked before the tests, the rest after them."""
LIVED, NOTICED, ANEW = 0, 1, 3
QUIETLY = ["-q", "-n", "0", "--no-header", "--assert=plain", "--tb=native", "-s"]
QUIETLY += ["-c", str(ROOT / "pyproject.toml")]
ABOUT_POLICY = ("canonical", "merkle", "house_rule", "policy", "records", "state_packs")
"""Spec tests that need not be asked about an account, as they are about policies and take the longest."""
POLICY = ("service/core/policy/", "service/core/gates/", "service/core/rules.py", "service/core/decision.py")
WHO_OWES = tuple(
    f"service/core/{name}.py"
    for name in ("adjudication", "carriers", "claims", "payers", "responsibility", "weighing")
)
ABOUT_GATES = {"explanations", "gate_scenarios", "gates"}
"""What is divided among bearers is held by the spec tests about that: these are not asked about it."""
OURS = ("service", "tests", "adapters")


def key(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def nested(code: CodeType) -> Iterator[CodeType]:
    """A code object and all that are defined in it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from nested(inner)


class Entered:
    """Which code was entered while this was on."""

    def __enter__(self) -> set[CodeType]:
        self.codes: set[CodeType] = set()
        self.profile = cProfile.Profile(subcalls=False, builtins=False)
        self.profile.enable()
        return self.codes

    def __exit__(self, *_: object) -> None:
        self.profile.disable()
        self.codes |= {one.code for one in self.profile.getstats() if isinstance(one.code, CodeType)}


class SecondOpinion:
    """Histories and what a calculation of its own says about each."""

    def __init__(self, histories: int) -> None:
        from tests.property.reference import reckon
        from tests.property.seeded import history

        told = [history(seed) for seed in range(histories)]
        self.known = [
            (facts, reckon(facts)) for facts in told if not any("unmerged" in f.kind for f in facts)
        ]

    def disagrees(self, part: slice) -> bool:
        """Whether the core, as it is now, says something else about one of the histories."""
        from service.core import apportion, fold
        from tests.spec.facts_made import ACCOUNT, POLICY

        names = ("state", "assigned", "collectible", "net", "balance")
        try:
            for facts, second in self.known[part]:
                owes = apportion(fold(facts, ACCOUNT), POLICY)
                ours = (owes.determination, owes.assigned_cents, owes.collectible_cents, owes.net_cents)
                if (*ours, owes.balance_cents) != tuple(second[n] for n in names):
                    return True
                provider = sum(s.amount_cents for s in owes.shares if s.bearer == "provider")
                if owes.determination in ("final", "credit") and provider != second["bears"]["provider"]:
                    return True
        except Exception:
            return True
        return False


class Tests:
    """A pytest plugin that takes over once the tests are collected."""

    def __init__(self, histories: int, then: Callable[[Tests], None]) -> None:
        self.histories, self.then, self.failed, self.wrong = histories, then, False, ""
        self.items: list[pytest.Item] = []
        self.cost: list[float] = []
        self.entering: dict[tuple[str, str, int], list[int]] = {}
        self.on_import: set[tuple[str, str, int]] = set()
        self.functions: dict[str, list[FunctionType]] = {}
        self.lately: dict[tuple[str, str], dict[str, None]] = {}
        self.caches: list[Any] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Any:
        with Entered() as codes:
            found = yield
        self.on_import = {key(code) for code in codes}
        return found

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = session.items
        self._look_around()
        for number, item in enumerate(self.items):
            self.forget()
            begun = time.process_time()
            with Entered() as codes:
                noticed = self.fails(item)
            if noticed:
                self.wrong = f"{item.nodeid} fails without any mutant"
                return True
            self.cost.append(time.process_time() - begun)
            for code in codes:
                self.entering.setdefault(key(code), []).append(number)
        self.second = SecondOpinion(self.histories)
        with Entered() as codes:
            if self.second.disagrees(slice(None)):
                self.wrong = "the second opinion disagrees without any mutant"
                return True
        self.reckoned = {key(code) for code in codes}
        self.then(self)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed = self.failed or report.failed

    def fails(self, item: pytest.Item) -> bool:
        self.failed = False
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return self.failed

    def forget(self) -> None:
        """Drop what functions remember of earlier calls."""
        for cache in self.caches:
            cache.cache_clear()

    def _look_around(self) -> None:
        for thing in gc.get_objects():
            if isinstance(thing, FunctionType) and "/service/core/" in thing.__code__.co_filename:
                self.functions.setdefault(thing.__code__.co_filename, []).append(thing)
            elif isinstance(thing, functools._lru_cache_wrapper) and _is_ours(thing):
                self.caches.append(thing)

    # -- in a forked process -------------------------------------------------------------------------

    def notices(self, mutant: Mutant, say: Callable[[str], None]) -> int:
        """Exchange the mutant's function and ask whatever enters it."""
        assert mutant.outermost is not None
        place = (str(ROOT / mutant.path), *mutant.outermost)
        if not self._exchange(mutant, place):
            return ANEW
        self.forget()
        reckoned = place in self.reckoned
        allow(30)
        if reckoned and self.second.disagrees(slice(FIRST)):
            say("second opinion")
            return NOTICED
        for number in self._asked(mutant, place):
            allow(2 + 20 * self.cost[number])
            if self.fails(self.items[number]):
                say(self.items[number].nodeid)
                return NOTICED
        allow(60)
        if reckoned and self.second.disagrees(slice(FIRST, None)):
            say("second opinion")
            return NOTICED
        return ANEW if place in self.on_import else LIVED

    def remember(self, mutant: Mutant, by: str) -> None:
        """A test that noticed one mutant of a function likely notices others of it."""
        lately = self.lately.setdefault((mutant.path, mutant.function), {})
        lately.pop(by, None)
        lately[by] = None

    def _asked(self, mutant: Mutant, place: tuple[str, str, int]) -> list[int]:
        """The tests that enter the function: what noticed something there, the newest first, then by cost."""
        entering = self.entering.get(place, [])
        entering = [n for n in entering if concerns(self.items[n].path, mutant)]
        newest = {by: -at for at, by in enumerate(self.lately.get((mutant.path, mutant.function), ()))}
        return sorted(entering, key=lambda n: (newest.get(self.items[n].nodeid, 1), self.cost[n]))

    def _exchange(self, mutant: Mutant, place: tuple[str, str, int]) -> bool:
        path, name, _ = place
        code = compile(mutant.source(), path, "exec")
        new = {key(c): c for c in nested(code)}
        found = False
        try:
            for function in self.functions.get(path, []):
                at = key(function.__code__)
                if at == place or at[1].startswith(f"{name}.<locals>."):
                    function.__code__ = new[at]
                    found = found or at == place
        except (KeyError, ValueError):
            return False
        return found


def _is_ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).split(".")[0] in (*OURS, "schemas")


def concerns(test: Path, mutant: Mutant) -> bool:
    """Whether a file of tests is asked about a mutant."""
    subject = test.stem.removeprefix("test_")
    if mutant.path in WHO_OWES and (subject in ABOUT_GATES or subject.startswith("gates_")):
        return False
    return not subject.startswith(ABOUT_POLICY) or mutant.path.startswith(POLICY)


def allow(seconds: float) -> None:
    """Let this process go on for so many seconds of the processor; then it ends, and was noticed."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads the one module from its wrong version; all others as ever."""

    def __init__(self, mutant: Mutant) -> None:
        self.name = mutant.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        self.package = mutant.path.endswith("__init__.py")
        self.code = compile(mutant.source(), mutant.path, "exec")

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname != self.name:
            return None
        spec = importlib.util.spec_from_loader(fullname, self, is_package=self.package)
        if spec is not None and self.package:
            spec.submodule_search_locations = [str(ROOT / self.name.replace(".", "/"))]
        return spec

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, module.__dict__)


def imported_anew(mutant: Mutant, tests: Tests, paths: list[str], say: Callable[[str], None]) -> int:
    """In a forked process: import everything again with the mutant, and ask all tests."""
    allow(300)
    paths = [path for path in paths if concerns(Path(path), mutant)]
    for name in [n for n in sys.modules if n.split(".")[0] in OURS]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Mutated(mutant))
    try:
        importlib.import_module("tests.spec.facts_made")
    except Exception:
        say("import")
        return NOTICED
    if tests.second.disagrees(slice(FIRST)):
        say("second opinion")
        return NOTICED
    seen = Seen()
    pytest.main([*paths, *QUIETLY, "-x"], plugins=[seen])
    if seen.failed:
        say(seen.failed)
        return NOTICED
    return LIVED


class Seen:
    """A pytest plugin that remembers what failed."""

    failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed = report.nodeid or "collection"
