"""The parts of a running Baton: they start, they stop in good order, and they say what they did."""

import contextlib
import json
import os
import re
import signal
import threading
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import Home, refused

from adapters.rabbitmq import RabbitFeed
from adapters.transport import InMessage
from service.demo import OLD_STATEMENTS, account_file, broken_file, first_remittance

TODAY = datetime.now(UTC).date()
STOP_SECONDS = 20


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


@pytest.fixture
def children():
    """Processes to end when the test fails half way."""
    started = []
    yield started
    for child in started:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def log_lines(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def wait_for_line(stream, fits):
    """Read lines until one fits; the rest is read in the background, so that nobody blocks on a full pipe."""
    rest = []
    for line in stream:
        if fits(line):
            threading.Thread(target=lambda: rest.extend(stream), daemon=True).start()
            return line, rest
    raise AssertionError("it ended before it said so")


def ended(child, number):
    child.send_signal(number)
    return child.wait(STOP_SECONDS)


@pytest.mark.parametrize("part", ["worker", "relay", "clock"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_part_ends_in_good_order_when_asked(home, children, part, number):
    home.baton("db", "upgrade")
    children.append(child := home.start(part))
    wait_for_line(child.stderr, lambda line: f"{part} started" in line)
    assert ended(child, number) == 0


@pytest.mark.parametrize("part", ["worker", "relay", "clock", "web"])
def test_a_part_waits_for_a_database_that_does_not_answer_yet(home, children, part):
    url = "postgresql://baton:s3cret-word@127.0.0.1:1/baton"
    children.append(child := home.start(part, BATON_DATABASE_URL=url))
    line, _ = wait_for_line(child.stderr, lambda line: "waiting for the database" in line)
    assert json.loads(line)["code"] == "database-unreachable" and "s3cret" not in line
    assert ended(child, signal.SIGTERM) == 1


def test_a_part_without_a_database_refuses_to_start(home):
    assert "baton db upgrade" in refused(home.baton("worker"), 2)


def test_upgrading_twice_is_harmless(home):
    first, second = home.baton("db", "upgrade"), home.baton("db", "upgrade")
    assert (first.returncode, second.returncode) == (0, 0)
    assert "upgraded to revision" in first.stdout and "already at revision" in second.stdout


def test_run_prints_url_and_key_once_and_stops_in_good_order(home, children):
    keys = []
    for _ in range(2):
        children.append(child := home.start("run", "--transport", "embedded", "--port", "0"))
        said = []
        line = ""
        while "Running." not in line:
            line = child.stdout.readline()
            assert line, child.stderr.read()
            said.append(line)
        wait_for_line(child.stderr, lambda line: '"listening"' in line)
        text = "".join(said)
        assert "http://127.0.0.1:" in text
        keys += re.findall(r"bk_[0-9a-f]{12}\.\S+", text)
        assert ended(child, signal.SIGTERM) == 0
    assert len(keys) == 1


def children_of(pid):
    """The processes that a process started and that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if int(parent) == pid and state != "Z":
                    found.append(int(entry.name))
    return found


def test_a_part_that_dies_is_started_again_and_none_outlives_a_killed_tree(home, children):
    children.append(child := home.start("run", "--transport", "embedded", "--port", "0"))
    wait_for_line(child.stderr, lambda line: '"listening"' in line)
    before = children_of(child.pid)
    assert len(before) == 4, "worker, relay, clock and web"
    os.kill(before[0], signal.SIGKILL)
    deadline = time.monotonic() + STOP_SECONDS
    while len(children_of(child.pid)) < 4 or before[0] in children_of(child.pid):
        assert time.monotonic() < deadline, "the part was not started again"
        time.sleep(0.1)
    family = children_of(child.pid)
    child.kill()
    child.wait()
    while any(Path(f"/proc/{pid}").exists() for pid in family):
        assert time.monotonic() < deadline + STOP_SECONDS, "a part outlived its tree"
        time.sleep(0.1)


def test_what_comes_in_by_http_can_be_asked_on_the_command_line(home, children):
    children.append(child := home.start("run", "--transport", "embedded", "--port", "0"))
    line = child.stdout.readline()
    while "API key" not in line:
        line = child.stdout.readline()
    key = re.search(r"bk_\S+", line).group()
    line, _ = wait_for_line(child.stderr, lambda line: '"listening"' in line)
    sent = {
        "application/json": account_file("A1002", OLD_STATEMENTS, TODAY),
        "application/edi-x12": first_remittance("A1002", TODAY),
    }
    for type, body in sent.items():
        headers = {"Authorization": f"Bearer {key}", "Content-Type": type}
        request = urllib.request.Request(
            f"http://127.0.0.1:{json.loads(line)['port']}/v1/messages", body, headers
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 202
    until = time.monotonic() + 15
    while (ran := home.baton("cases", "--json")) and not json.loads(ran.stdout)["items"]:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert json.loads(ran.stdout)["items"][0]["account"] == "GEN/A1002"
    assert ended(child, signal.SIGINT) == 0


@pytest.mark.broker
def test_a_worker_takes_from_rabbitmq_and_says_how_many(home, children, amqp_url):
    home.settings["BATON_AMQP_URL"] = amqp_url
    first, second = home.baton("broker", "setup"), home.baton("broker", "setup")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert amqp_url not in first.stdout
    home.baton("db", "upgrade")
    children.append(child := home.start("worker"))
    _, rest = wait_for_line(child.stderr, lambda line: "worker started" in line)
    feed = RabbitFeed(amqp_url)
    sent = [account_file("A1002", OLD_STATEMENTS, TODAY), broken_file(TODAY), broken_file(TODAY)]
    assert all(feed.send([InMessage("json.demo", body) for body in sent]))
    assert all(feed.send([InMessage("x12.demo", first_remittance("A1002", TODAY))]))
    feed.close()
    until = time.monotonic() + 20
    while not json.loads(home.baton("cases", "--json").stdout)["items"]:
        assert time.monotonic() < until
    assert ended(child, signal.SIGTERM) == 0
    time.sleep(0.1)
    stopped = next(line for line in log_lines("".join(rest)) if line["event"] == "worker stopped")
    assert {k: stopped[k] for k in ("messages", "accepted", "duplicate", "parked")} == {
        "messages": 4, "accepted": 2, "duplicate": 1, "parked": 1,
    }  # fmt: skip


@pytest.mark.broker
def test_doctor_sees_a_broker_that_is_not_set_up_and_masks_its_password(home, amqp_url):
    home.settings["BATON_AMQP_URL"] = amqp_url
    home.baton("db", "upgrade")
    ran = home.baton("doctor", "--json")
    told = json.loads(ran.stdout)
    (wrong,) = [check for check in told["checks"] if not check["ok"]]
    assert ran.returncode == 1 and wrong["name"] == "transport" and "baton broker setup" in wrong["to_do"]
    assert amqp_url.split(":")[2].split("@")[0] not in ran.stdout
    home.baton("broker", "setup")
    assert home.baton("doctor").returncode == 0


def test_doctor_tells_settings_origins_and_what_to_do(home):
    (home.folder / "baton.toml").write_text("batch_size = 50\n")
    ran = home.baton("doctor", "--json", BATON_TIMEZONE="America/New_York")
    told = json.loads(ran.stdout)
    settings = {s["name"]: (s["value"], s["origin"]) for s in told["settings"]}
    assert settings["batch_size"] == ("50", "baton.toml")
    assert settings["timezone"] == ("America/New_York", "BATON_TIMEZONE")
    assert settings["workers"] == ("1", "default")
    wrong = {check["name"]: check["to_do"] for check in told["checks"] if not check["ok"]}
    assert ran.returncode == 1 and set(wrong) == {"database"} and "baton db upgrade" in wrong["database"]
    home.baton("db", "upgrade")
    well = home.baton("doctor")
    assert (
        well.returncode == 0
        and "All is well." in well.stdout
        and max(map(len, well.stdout.splitlines())) <= 100
    )


def test_doctor_masks_the_database_password(home):
    ran = home.baton("doctor", BATON_DATABASE_URL="postgresql://baton:s3cret-word@127.0.0.1:1/baton")
    assert ran.returncode == 1 and "s3cret" not in ran.stdout + ran.stderr and "***" in ran.stdout


@pytest.mark.parametrize(("name", "version"), [("openapi", "3."), ("asyncapi", "")])
def test_the_contracts_are_printed(home, name, version):
    ran = home.baton(name)
    told = json.loads(ran.stdout)
    assert (
        (ran.returncode, ran.stderr) == (0, "") and told[name].startswith(version) and told["info"]["title"]
    )
    assert list(home.folder.iterdir()) == []


def test_a_key_is_shown_once_listed_by_prefix_and_taken_back(home):
    home.baton("db", "upgrade")
    made = home.baton("key", "create", "--scope", "cases:read", "--days", "30").stdout.strip()
    prefix, _, secret = made.partition(".")
    listed = home.baton("key", "list")
    assert prefix in listed.stdout and "cases:read" in listed.stdout and secret not in listed.stdout
    assert home.baton("key", "revoke", prefix).returncode == 0
    assert "revoked" in home.baton("key", "list").stdout
    assert home.baton("key", "revoke", prefix).returncode == 1
    assert home.baton("key", "create", "--scope", "everything").returncode == 2
