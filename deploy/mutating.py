"""Mutation testing of the pure core: which of its small wrong versions no test notices.

`mutation.py` says what the wrong versions are, `noticing.py` who is asked. What no test notices and
tests/mutants.tsv does not judge is printed, and the exit code is 1. Each outcome is added to a file, from
which a run can go on.
"""

from __future__ import annotations

import argparse
import functools
import gc
import os
import resource
import select
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from mutation import IMPORTANT, ROOT, Mutant, judged, mutants
from noticing import ANEW, LIVED, NOTICED, QUIETLY, Tests, concerns, imported_anew

MEMORY_BYTES = 6 * 1024**3
PROPERTY = "tests/property/test_"
ALSO = {
    "hypotheses": ["explanations_hold"], "counterfactual": ["explanations_hold"],
    "basis": ["explanations_hold"],
    "glance": ["explanations_hold", "side_by_side"], "walk": ["explanations_hold", "side_by_side"],
    "side_by_side": ["side_by_side"],
}  # fmt: skip
"""Modules that explain or compare are held by properties more than by stories: these are asked as well."""


class Run:
    """Tries mutants, some at a time, and keeps what came out of each."""

    def __init__(self, given: argparse.Namespace, found: list[Mutant], results: Path) -> None:
        self.given, self.found, self.results = given, found, results
        self.judged = judged()
        self.anew: list[Mutant] = []
        self.count = {"noticed": 0, "judged": 0, "SURVIVED": 0}
        self.running: dict[int, tuple[int, Mutant, float]] = {}
        self.out = os.fdopen(os.dup(1), "w")

    def exchanged(self, tests: Tests) -> None:
        """All mutants of functions."""
        self.tests = tests
        gc.collect()
        gc.freeze()
        self.anew = [m for m in self.found if m.outermost is None]
        for mutant in self.found:
            if mutant.outermost is not None:
                self._start(mutant, functools.partial(tests.notices, mutant))
        self._wait(0)

    def imported(self, paths: list[str]) -> None:
        """All others, and those that an exchange cannot show."""
        for mutant in self.anew:
            self._start(mutant, functools.partial(imported_anew, mutant, self.tests, paths))
        self._wait(0)

    def _start(self, mutant: Mutant, attempt: Callable[[Callable[[str], None]], int]) -> None:
        self._wait(self.given.jobs - 1)
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            ends = NOTICED
            try:
                ends = attempt(lambda text: os.write(writes, text.encode()[:4000]) and None)
            finally:
                os._exit(ends)
        os.close(writes)
        self.running[reads] = (child, mutant, time.monotonic())

    def _wait(self, leave: int) -> None:
        while len(self.running) > leave:
            for reads in select.select(list(self.running), [], [])[0]:
                child, mutant, begun = self.running.pop(reads)
                by = b""
                while more := os.read(reads, 4000):
                    by += more
                os.close(reads)
                _, status = os.waitpid(child, 0)
                self._ended(mutant, status, by.decode() or "it ended or ran on", time.monotonic() - begun)

    def _ended(self, mutant: Mutant, status: int, by: str, seconds: float) -> None:
        ends = os.waitstatus_to_exitcode(status)
        if ends == ANEW:
            self.anew.append(mutant)
            return
        outcome = "noticed" if ends != LIVED else "judged" if mutant.name in self.judged else "SURVIVED"
        self.count[outcome] += 1
        if ends == NOTICED:
            self.tests.remember(mutant, by)
        with self.results.open("a") as kept:
            row = [*mutant.name, outcome, f"{seconds:.2f}", by if ends != LIVED else ""]
            kept.write("\t".join(row) + "\n")
        if outcome != "noticed":
            where = f"{mutant.path}:{mutant.line}"
            print(outcome, where, mutant.function, mutant.change, sep="\t", file=self.out, flush=True)


def core() -> list[str]:
    """Every module of the core, the most important first."""
    found = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "service" / "core").rglob("*.py"))
    first = [f"service/core/{name}.py" for name in IMPORTANT]
    return first + [path for path in found if path not in first]


def rows(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text().splitlines()]


def chosen(given: argparse.Namespace) -> list[Mutant]:
    """The mutants to try: of the modules given, but those that an earlier run has tried."""
    found = [m for path in given.modules or core() for m in mutants(path)[:: given.every]]
    found = [m for m in found if given.only in m.function]
    if given.resume:
        tried = {tuple(row[:3]) for row in rows(given.resume)}
        found = [m for m in found if m.name not in tried]
    if given.again:
        lived = {tuple(row[:3]) for row in rows(given.again) if row[3] != "noticed"}
        found = [m for m in found if m.name in lived]
    return found


def asked(given: argparse.Namespace, found: list[Mutant]) -> list[str]:
    """The files of tests to ask about these mutants."""
    if given.tests:
        return list(given.tests)
    also = {name for m in found for name in ALSO.get(Path(m.path).stem, ())}
    files = sorted((ROOT / "tests" / "spec").glob("test_*.py"))
    one_of_each = {m.path: m for m in found}.values()
    spec = [str(p.relative_to(ROOT)) for p in files if any(concerns(p, m) for m in one_of_each)]
    return [*spec, *(f"{PROPERTY}{name}.py" for name in sorted(also))]


def main() -> int:
    parser = argparse.ArgumentParser(prog="./deploy/mutate", description=__doc__)
    parser.add_argument("modules", nargs="*", help="files, as service/core/claims.py; else all")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every Nth mutant only")
    parser.add_argument("--only", default="", metavar="WORD", help="functions named so")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many at a time")
    parser.add_argument("--tests", nargs="+", metavar="PATH", help="ask these instead of tests/spec")
    parser.add_argument("--results", type=Path, metavar="FILE", help="where each outcome is added")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="go on with the run of this file")
    parser.add_argument("--again", type=Path, metavar="FILE", help="those not noticed in that run")
    parser.add_argument("--histories", type=int, default=2000, metavar="N", help="for the second opinion")
    given = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    results = given.results or given.resume
    if results is None:
        results = ROOT / "var" / "mutants" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.tsv"
        results.parent.mkdir(parents=True, exist_ok=True)
    settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate], database=None)
    settings.load_profile("mutants")
    found = chosen(given)
    paths = asked(given, found)
    run = Run(given, found, results)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    tests = Tests(given.histories, run.exchanged)
    pytest.main([*paths, *QUIETLY], plugins=[tests])
    if tests.wrong or not tests.items:
        print(tests.wrong or "no tests were found", file=sys.stderr)
        return 2
    run.imported(paths)
    noticed, known, told = run.count.values()
    text = (
        f"{noticed + known + told} mutants, {noticed} noticed, {known} judged, {told} not noticed by any test"
    )
    print(text, file=run.out, flush=True)
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
