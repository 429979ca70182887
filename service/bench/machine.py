"""What the machine is and what a process on it used: read from the kernel, in plain figures."""

from __future__ import annotations

import os
import platform
import sqlite3
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def describe(scratch: Path) -> dict[str, object]:
    """The machine and the programs on it, as far as they bear on speed."""
    return {
        "cpus": os.cpu_count(),
        "usable_cpus": len(os.sched_getaffinity(0)),
        "cpu": _line("/proc/cpuinfo", "model name"),
        "memory_mb": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // (1 << 20),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "scratch_filesystem": filesystem(scratch),
        "load_before": round(os.getloadavg()[0], 2),
    }


def busy(about: dict[str, object]) -> str:
    """A warning when other programs had the machine before the run began; empty when they did not."""
    load, cpus = float(str(about["load_before"])), int(str(about["usable_cpus"]))
    if load <= cpus / 2:
        return ""
    return f"other programs kept {load:.1f} of {cpus} processors busy before this run; do not trust it"


def filesystem(path: Path) -> str:
    """The type of the file system a path lies on; on a tmpfs nothing is durable."""
    place = str(path.resolve())
    best, kind = "", "unknown"
    for line in Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        _, mount, type, *_ = line.split(" ")
        inside = place == mount or place.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, type
    return kind


def rss_mb(pid: int) -> float:
    """Resident memory of a process in MiB; 0 when it has gone."""
    return _kib(pid, "VmRSS") / 1024


def peak_mb(pid: int) -> float:
    """The most resident memory a process ever had, in MiB; 0 when it has gone."""
    return _kib(pid, "VmHWM") / 1024


def cpu_seconds(pid: int) -> float:
    """Processor time of a process, its threads included; 0 when it has gone."""
    try:
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def _kib(pid: int, name: str) -> int:
    value = _line(f"/proc/{pid}/status", name)
    return int(value.split()[0]) if value else 0


def _line(file: str, name: str) -> str:
    """The value of the first `name: value` line of a file; empty when there is none."""
    try:
        lines = Path(file).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
