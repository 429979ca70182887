"""Fuzzing of every entry point that reads foreign bytes: a reader may refuse, and may never raise.

Each target runs in a process of its own. With atheris the input is guided by coverage; without it, bytes of
good messages are broken at random. Either way a run with the same seed begins alike. What broke a reader is
kept as a file, so that it can become a test.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 1, 2, tzinfo=UTC)
MOST_BYTES = 256 * 1024
GUIDED = importlib.util.find_spec("atheris") is not None
SIGNS = b'\x00\x0b\x1c\r\n"{}[]|^~*:,\\\xff\xc3-9.e'
Target = Callable[[bytes], None]


def _spent(items: Iterator[object]) -> None:
    for _ in items:
        pass


def _json() -> Target:
    from adapters import native

    return lambda data: _spent(native.read(data, feed="f", received_at=NOW))


def _x12() -> Target:
    from adapters import x12

    return lambda data: _spent(x12.read(data, feed="f", facility="GEN", received_at=NOW))


def _hl7v2() -> Target:
    from adapters.hl7v2 import Mapping
    from adapters.hl7v2.acknowledging import Asked, acknowledge
    from adapters.hl7v2.fields import fields
    from adapters.hl7v2.reading import read

    table = {"ehc": "x12", "ft1_code": {"ROOM": "charge"}, "pv1_46": "account", "z": {"ZPB-3": "patient.id"}}
    agreed = Mapping.from_table(table)

    def run(data: bytes) -> None:
        for mapping in (Mapping(), agreed):
            _spent(read(data, feed="f", facility="GEN", received_at=NOW, mapping=mapping, zone=UTC))
        acknowledge(Asked.of(data), (), "0" * 64, NOW)
        _spent(fields(data))

    return run


def _mllp() -> Target:
    from adapters.mllp.frames import Framer, FrameRefused

    def run(data: bytes) -> None:
        whole, pieces = Framer(4096), Framer(4096)
        with contextlib.suppress(FrameRefused):
            whole.feed(data)
            while whole.next() is not None:
                pass
        with contextlib.suppress(FrameRefused):
            for at in range(0, len(data), 7):
                pieces.feed(data[at : at + 7])
                while pieces.next() is not None:
                    pass

    return run


def _fhir() -> Target:
    from adapters import fhir
    from schemas.errors import MessageRejected

    def run(data: bytes) -> None:
        _spent(fhir.read(data, feed="f", facility="GEN", received_at=NOW))
        with contextlib.suppress(MessageRejected):
            fhir.peek(data)

    return run


def _feed() -> Target:
    from schemas.errors import ConfigRefused
    from service.feeds import load_feed

    path = Path(tempfile.mkdtemp(prefix="baton-fuzz-")) / "feed.toml"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        with contextlib.suppress(ConfigRefused):
            load_feed(path, "GEN")

    return run


def _policy() -> Target:
    from schemas.errors import PolicyRefused
    from service.app import examine_policy_texts, read_policy_texts

    def run(data: bytes) -> None:
        text = {"pack.toml": data.decode("utf-8", "replace")}
        examine_policy_texts(text)
        with contextlib.suppress(PolicyRefused):
            read_policy_texts(text)

    return run


def _bundle() -> Target:
    from service.audit.offline import verify

    path = Path(tempfile.mkdtemp(prefix="baton-fuzz-")) / "bundle.zip"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        with contextlib.redirect_stdout(None), contextlib.redirect_stderr(None):
            verify.main([str(path)])

    return run


TARGETS: dict[str, tuple[Callable[[], Target], tuple[str, ...]]] = {
    "json": (_json, ("tests/doors/native/*.json", "docs/examples/*.json")),
    "x12": (_x12, ("tests/doors/x12/*.835",)),
    "hl7v2": (_hl7v2, ("tests/doors/hl7v2/*.hl7",)),
    "mllp": (_mllp, ("tests/doors/hl7v2/*.hl7",)),
    "fhir": (_fhir, ("tests/doors/fhir_pairs/*.json",)),
    "feed": (_feed, ("docs/examples/*.toml",)),
    "policy": (_policy, ("service/policies/*.toml",)),
    "bundle": (_bundle, ("tests/audit/bundles/*",)),
}
"""Each entry point: how to call it, and the good input to begin with."""

FORMS = {
    "mllp": lambda body: b"\x0b" + body + b"\x1c\r",
    "feed": lambda body: body or b'facility = "GEN"\n[hl7v2]\nft1_code = { A = "charge" }\n',
}


def good_input(name: str) -> list[bytes]:
    """What good messages look like, the short ones first."""
    bodies = [p.read_bytes() for glob in TARGETS[name][1] for p in sorted(ROOT.glob(glob)) if p.is_file()]
    form = FORMS.get(name, lambda body: body)
    found = [form(body) for body in bodies if ".facts." not in name and len(body) <= MOST_BYTES]
    return sorted(found, key=len) or [form(b"")]


def broken(rng: random.Random, bodies: list[bytes]) -> bytes:
    """One good message, broken in a few places."""
    body = bytearray(rng.choice(bodies))
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(body) + 1)
        way = rng.randrange(5)
        if way == 0:
            body[at:at] = bytes(
                rng.choices(b'\x00\x0b\x1c\r\n"{}[]|^~*:,\\\xff\xc3-9.e', k=rng.randint(1, 8))
            )
        elif way == 1:
            del body[at : at + rng.randint(1, 64)]
        elif way == 2 and body:
            body[at % len(body)] = rng.randrange(256)
        elif way == 3:
            other = rng.choice(bodies)
            start = rng.randrange(len(other) + 1)
            body[at:at] = other[start : start + rng.randint(1, 256)]
        else:
            body[at:at] = body[at : at + rng.randint(1, 64)] * rng.randint(1, 8)
    return bytes(body[:MOST_BYTES])


def blindly(name: str, seconds: float, seed: int, crashes: Path) -> int:
    """Break good messages at random; 1 when something was raised."""
    run, bodies = TARGETS[name][0](), good_input(name)
    rng, until, runs = random.Random(seed), time.monotonic() + seconds, 0
    for body in bodies:
        run(body)
    while time.monotonic() < until:
        body, runs = broken(rng, bodies), runs + 1
        try:
            run(body)
        except Exception:
            traceback.print_exc()
            crashes.mkdir(parents=True, exist_ok=True)
            path = crashes / f"{name}-{sha256(body).hexdigest()[:16]}"
            path.write_bytes(body)
            print(f"{name}: raised; the input is in {path}")
            return 1
    print(f"{name}: {runs} inputs, none raised")
    return 0


def guided(name: str, seconds: float, seed: int, crashes: Path) -> int:
    """The same, guided by coverage; libFuzzer ends the process by itself."""
    import atheris

    crashes.mkdir(parents=True, exist_ok=True)
    with atheris.instrument_imports(include=["adapters", "service", "schemas"]):
        run = TARGETS[name][0]()
    corpus = Path(tempfile.mkdtemp(prefix=f"baton-fuzz-{name}-"))
    for n, body in enumerate(good_input(name)[:200]):
        (corpus / str(n)).write_bytes(body)
    words = [
        sys.argv[0], f"-max_total_time={max(1, round(seconds))}", f"-seed={seed}", f"-max_len={MOST_BYTES}",
        "-timeout=20", f"-artifact_prefix={crashes}/{name}-", str(corpus),
    ]  # fmt: skip
    atheris.Setup(words, run)
    atheris.Fuzz()
    return 0


def main() -> int:
    """Each target in turn, in a process of its own; the exit code is 1 when one was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=5.0, help="for each target")
    parser.add_argument("--minutes", type=float, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--crashes", type=Path, default=ROOT / "var" / "fuzz")
    parser.add_argument("--blindly", action="store_true", help="without atheris, also where it is installed")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if unknown := set(asked.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    seconds = asked.minutes * 60 if asked.minutes is not None else asked.seconds
    if asked.one:
        sys.path.insert(0, str(ROOT))
        way = blindly if asked.blindly or not GUIDED else guided
        return way(asked.one, seconds, asked.seed, asked.crashes)
    if not GUIDED and not asked.blindly:
        print("atheris is not installed, so input is broken blindly: pip install -e '.[fuzz]' guides it.")
    failed = []
    for name in asked.targets or TARGETS:
        command = [
            sys.executable,
            __file__,
            "--one",
            name,
            "--seconds",
            str(seconds),
            "--seed",
            str(asked.seed),
        ]
        command += ["--crashes", str(asked.crashes), *(["--blindly"] if asked.blindly else [])]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace")
        said = [line for line in (ran.stdout + ran.stderr).splitlines() if line.strip()]
        counted = [line for line in said if line.startswith((f"{name}: ", "Done "))]
        last = counted[-1] if counted else "not broken, and not counted"
        well = [last if last.startswith(name) else f"{name}: {last}"]
        print("\n".join(well if ran.returncode == 0 else said[-40:]), flush=True)
        if ran.returncode != 0:
            failed.append(name)
    print(f"Broken: {', '.join(failed)}" if failed else "Nothing was broken.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
