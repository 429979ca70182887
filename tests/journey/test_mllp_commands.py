"""For an operator: `baton mllp` and `baton send` as processes, and MLLP as a part of `baton run`."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapters.mllp import frame
from adapters.store import Store
from tests.journey.command_line import BATON, Home, refused
from tests.journey.mllp_rig import adt, answer_on, code

END_SECONDS = 30


@contextmanager
def heard(home: Home, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A running `baton mllp` and its port; at the end it stops in good order, unless it was killed."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*BATON, "mllp"],
            env=home.environ | {"BATON_MLLP_PORT": "0"},
            cwd=home.folder,
            stdout=stream,
            stderr=stream,
        )
    try:
        until = time.monotonic() + END_SECONDS
        while not (found := re.search(r'"port": ?(\d+)', log.read_text())):
            assert process.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        yield process, int(found[1])
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(END_SECONDS) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    assert made.baton("db", "upgrade").returncode == 0
    return made


def test_files_are_sent_and_each_answer_is_printed(home: Home, tmp_path: Path) -> None:
    good, bad, quiet = tmp_path / "good.hl7", tmp_path / "bad.hl7", tmp_path / "quiet.hl7"
    good.write_bytes((adt("A1") + adt("A2", "2")).replace(b"\r", b"\n"))
    bad.write_bytes(adt(""))
    quiet.write_bytes(adt("A3", "3", msh15="NE", msh16="NE"))
    with heard(home, tmp_path / "log") as (_, port):
        well = home.baton("send", f"127.0.0.1:{port}", good, quiet)
        assert (well.returncode, well.stderr) == (0, "")
        heads = [line for line in well.stdout.splitlines() if not line.startswith(" ")]
        assert heads == ["good.hl7: AA", "good.hl7: AA", "quiet.hl7: no answer asked for (MSH-15, MSH-16)"]
        ill = home.baton("send", f"127.0.0.1:{port}", "--json", "--count", "3", good, bad)
        assert ill.returncode == 1
        assert json.loads(ill.stdout) == {"sent": 9, "answers": {"AA": 6, "AE": 3}}
    store = Store.open(f"sqlite:///{tmp_path}/baton.db")
    with store.read() as reader:
        assert reader.counts().messages == 4
    store.close()


def test_sending_where_nobody_listens_is_one_clear_line(home: Home, tmp_path: Path) -> None:
    (tmp_path / "a.hl7").write_bytes(adt("A1"))
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    assert "[no-listener]" in refused(home.baton("send", f"127.0.0.1:{port}", "a.hl7"), 1)
    assert "[usage]" in refused(home.baton("send", "nowhere", "a.hl7"), 2)


def test_an_address_in_use_and_half_a_certificate_are_refused_before_serving(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert "[cannot-listen]" in refused(home.baton("mllp", BATON_MLLP_PORT=port), 2)
    assert "[no-certificate]" in refused(home.baton("mllp", BATON_MLLP_TLS_KEY="key.pem"), 2)
    assert "[bad-certificate]" in refused(home.baton("mllp", BATON_MLLP_TLS_CERT="none.pem"), 2)


@pytest.mark.slow
def test_killed_at_any_moment_what_was_acknowledged_is_stored(home: Home, tmp_path: Path) -> None:
    acknowledged: list[int] = []
    number = 0
    for round in range(5):
        with heard(home, tmp_path / f"log{round}") as (process, port):
            ends = time.monotonic() + 0.4 + 0.15 * round
            with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
                while True:
                    number += 1
                    try:
                        peer.sendall(frame(adt(f"K{number}", str(number))))
                        if time.monotonic() > ends and process.poll() is None:
                            os.kill(process.pid, signal.SIGKILL)
                        answer = answer_on(peer)
                    except OSError:
                        break
                    if not answer:
                        break
                    assert code(answer) == "AA"
                    acknowledged.append(number)
            process.wait()
    assert len(acknowledged) > 20
    store = Store.open(f"sqlite:///{tmp_path}/baton.db")
    with store.read() as reader:
        stored = reader.counts().messages
    with heard(home, tmp_path / "last") as (_, port), socket.create_connection(("127.0.0.1", port)) as peer:
        for n in acknowledged:
            peer.sendall(frame(adt(f"K{n}", str(n))))
            assert code(answer_on(peer)) == "AA"
    with store.read() as reader:
        assert reader.counts().messages == stored, "each of them was there already"
    store.close()


def test_run_listens_where_a_port_is_set(home: Home, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = home.start("run", "--no-web", BATON_MLLP_PORT=str(port))
    try:
        (tmp_path / "a.hl7").write_bytes(adt("A1"))
        until = time.monotonic() + END_SECONDS
        while (ran := home.baton("send", f"127.0.0.1:{port}", "a.hl7")).returncode != 0:
            assert process.poll() is None and time.monotonic() < until, ran.stderr
            time.sleep(0.2)
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=END_SECONDS)
    assert process.returncode == 0 and "Traceback" not in err
