"""Fetches Debian packages: installed as root without starting a service, else unpacked into a folder."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from adapters.nodes.keeper import Say
from schemas.errors import ConfigRefused, Unavailable

APT_TIMEOUT_SECONDS = 600.0
# Debian asks this file before any package starts a service; exit status 101 means "do not".
POLICY = Path("/usr/sbin/policy-rc.d")


def can_fetch() -> bool:
    """Whether this machine has Debian's package tools."""
    return shutil.which("apt-get") is not None and shutil.which("dpkg") is not None


def install(package: str, services: Sequence[str], say: Say) -> None:
    """Installs a package as root and leaves none of its services running or enabled.

    Raises: ConfigRefused without root or apt; Unavailable when apt fails.
    """
    if os.geteuid() != 0 or not can_fetch():
        raise ConfigRefused("install-needs-root", f"installing {package} needs root and apt-get")
    say(f"installing Debian's {package} (apt-get), without starting a system service …")
    install_line = ["install", "-y", "-q", "--no-install-recommends", package]
    with _services_held_back():
        if not _has_candidate(package, []):
            _apt(["update", "-q"], [])
        try:
            _apt(install_line, [])
        except Unavailable:
            _apt(["update", "-q"], [])  # the package lists may name versions that have left the archive
            _apt(install_line, [])
    systemctl = shutil.which("systemctl")
    if systemctl is not None:  # would start at the next boot otherwise; fails harmlessly without systemd
        subprocess.run([systemctl, "disable", "-q", *services], capture_output=True, check=False)


def unpack(package: str, wanted: str, into: Path, say: Say, finish: Callable[[Path], None]) -> Path:
    """Downloads a package with what it still lacks on this machine and unpacks it into a folder; no root.

    `wanted` is a pattern of package names worth unpacking. `finish` makes the tree work at its place. The
    folder appears whole or not at all, and two processes that ask at once unpack it once.

    Raises: ConfigRefused without apt; Unavailable when the packages cannot be had.
    """
    if not can_fetch():
        raise ConfigRefused(
            "no-apt", f"{package} is absent and cannot be fetched: apt-get and dpkg are needed"
        )
    into.parent.mkdir(parents=True, exist_ok=True)
    with locked(into.with_name(into.name + ".lock")):
        if into.exists():
            return into
        say(f"unpacking Debian's {package} into {into} (no root needed) …")
        with tempfile.TemporaryDirectory(dir=into.parent, prefix="fetch-") as scratch:
            debs = _download(package, wanted, Path(scratch))
            tree = Path(scratch) / "tree"
            for deb in debs:
                _run(["dpkg", "-x", str(deb), str(tree)], scratch)
            finish(tree)
            tree.replace(into)
    return into


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock on a file among processes; a process that ends gives it back."""
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def _services_held_back() -> Iterator[None]:
    if POLICY.exists():
        yield  # a container image has its own, which says the same
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def _download(package: str, wanted: str, scratch: Path) -> list[Path]:
    options: list[str] = []
    if not _has_candidate(package, options):  # no package lists on this machine: use lists of our own
        options = _own_lists(scratch)
        _apt(["update", "-q"], options)
    plan = _apt(["-s", "install", "--no-install-recommends", package], options)
    missing = [n for n in re.findall(r"^Inst (\S+) ", plan, re.MULTILINE) if re.match(wanted, n)]
    if not missing:
        raise Unavailable("package-not-found", f"apt offers no {package} for this machine")
    debs = scratch / "debs"
    debs.mkdir()
    _apt(["download", "-q", *missing], options, debs)
    return sorted(debs.glob("*.deb"))


def _own_lists(scratch: Path) -> list[str]:
    for part in ("state/lists/partial", "cache/archives/partial"):
        (scratch / part).mkdir(parents=True)
    return [
        *("-o", f"Dir::State={scratch}/state", "-o", "Dir::State::status=/var/lib/dpkg/status"),
        *("-o", f"Dir::Cache={scratch}/cache", "-o", "APT::Sandbox::User="),
    ]


def _has_candidate(package: str, options: Sequence[str]) -> bool:
    policy = _run(["apt-cache", *options, "policy", package])
    return "Candidate: " in policy and "Candidate: (none)" not in policy


def _apt(arguments: Sequence[str], options: Sequence[str], cwd: Path | None = None) -> str:
    return _run(["apt-get", "-o", "DPkg::Lock::Timeout=120", *options, *arguments], cwd)


def _run(argv: Sequence[str], cwd: str | Path | None = None) -> str:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            list(argv),
            cwd=cwd,
            env=env,
            capture_output=True,
            text=True,
            timeout=APT_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(
            "package-tool-failed", f"{argv[0]} did not finish: {type(error).__name__}"
        ) from error
    if done.returncode != 0:
        words = " | ".join(done.stderr.strip().split("\n")[-2:])[:400]
        raise Unavailable("package-tool-failed", f"{argv[0]} failed ({done.returncode}): {words}")
    return done.stdout
