"""Memory: of a worker after N and after 4 N messages, and of `baton ingest` by the size of a file."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import replace

from service.bench import books, broker
from service.bench.children import running, spawn
from service.bench.grounds import Grounds, StoreKind
from service.bench.remittances import of_size
from service.bench.rows import Row, WrongAnswer
from service.bench.whole_way import wait_settled
from service.bench.workload import Workload

MB = 1_000_000


def of_worker(grounds: Grounds, kind: StoreKind, workload: Workload) -> list[Row]:
    """Resident memory of one worker after N messages and after 4 N: it must not keep what it has read."""
    scene = grounds.fresh_store(kind)
    rest = replace(workload, wanted=3 * workload.wanted, prefix="R")
    listener = broker.Listener(scene.amqp_url)
    rows, read = [], 0
    with running(1, scene.settings, scene.folder) as parts:
        for times, part in ((1, workload), (4, rest)):
            read += part.expected().messages
            broker.fill(scene.amqp_url, "json.bench", part.bodies())
            wait_settled(scene, listener, parts, read)
            rss = next(p.rss_mb for p in parts if p.name != "relay")
            what = f"worker's memory after {'N' if times == 1 else '4 N'} messages"
            rows.append(Row.of(f"worker_rss_{times}n", what, "MiB", [rss], n=read, store=kind))
    listener.close()
    return rows


def of_ingest(grounds: Grounds, workload: Workload, megabytes: int) -> list[Row]:
    """Peak memory and pace of `baton ingest` for one 835 of so many megabytes in one transaction."""
    scene = grounds.fresh_store("sqlite")
    remittance = of_size(megabytes * MB, workload.today)
    path = scene.folder / "large.835"
    with path.open("wb") as file:
        for chunk in remittance.chunks():
            file.write(chunk)
    begun = time.perf_counter()
    child = spawn("ingest", ["ingest", str(path)], scene.settings, scene.folder)
    peak_mb = _peak_mb(child.process)
    seconds = time.perf_counter() - begun
    found = books.read(scene.database_url)
    if child.process.returncode != 0 or found.accounts != remittance.claims:
        raise WrongAnswer(
            "wrong-result",
            f"ingest ended with {child.process.returncode}, {found.accounts} of {remittance.claims} claims",
        )
    detail: dict[str, str | int | float | bool | None] = {
        "bytes": path.stat().st_size, "claims": remittance.claims, "seconds": round(seconds, 2)
    }  # fmt: skip
    return [
        Row.of(
            f"ingest_rss_{megabytes}mb", f"ingest's peak memory, an 835 of {megabytes} MB", "MiB", [peak_mb],
            n=remittance.claims, store="sqlite", detail=detail,
        ),
        Row.of(
            f"ingest_rate_{megabytes}mb", f"ingest, an 835 of {megabytes} MB, start to end", "claims/s",
            [remittance.claims / seconds], n=remittance.claims, store="sqlite", detail=detail,
        ),
    ]  # fmt: skip


def _peak_mb(process: subprocess.Popen[bytes]) -> float:
    """Wait for a child's end; the most memory it ever had."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_maxrss / 1024
