"""For the auditor: an authority out of our hands says by when the log stood so; no other is believed."""

from __future__ import annotations

import html
import io
import json
import re
import shlex
import subprocess
import time
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("rfc3161_client")

from adapters import stamping
from adapters.store import AuditRow
from schemas.canonical import from_bytes, to_bytes
from schemas.errors import BatonError, ConfigRefused, Unavailable
from service.app import App
from service.audit import LogCheck, make_checkpoint, stamps, verify_log
from service.audit.keys import keys_in_log
from service.config import load
from tests.audit.authority import DAY, Authority, issue, serving
from tests.audit.test_bundle import PYTHON, VERIFY
from tests.journey.command_line import Home, Inside, refused
from tests.journey.stories import MOMENT, ripe, sealed


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Place:
    """A log with a checkpoint, and an authority that may be asked about it."""

    app: App
    authority: Authority

    def verify(self, answer: bytes, text: bytes, nonce: int) -> stamping.Stamp:
        return stamping.verify(answer, text, nonce, stamping.read_roots(self.authority.roots))

    def ask(self) -> bytes:
        return stamps.ask_for(self.app.store, None, "os:ann", now()).query

    def keep(self, answer: bytes, at: datetime | None = None) -> stamps.Stamped:
        return stamps.keep(self.app.store, answer, self.verify, "os:ann", at or now())

    def checked(self) -> tuple[LogCheck, stamps.StampCheck]:
        with self.app.store.read() as reader:
            kept = [c.text for c in reader.checkpoints()]
            texts = [*kept, *(one.checkpoint for one in stamps.stamps(reader))]
            check = verify_log(reader.audit_log(), reader.audit_head(), texts, keys_in_log(reader))
            return check, stamps.verify_stamps(reader, check, self.verify)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def place(tmp_path: Path, authority: Authority, request: pytest.FixtureRequest) -> Iterator[Place]:
    url = f"sqlite:///{tmp_path}/baton.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    app = App(load({"BATON_DATABASE_URL": url, "BATON_HOME": str(tmp_path), "BATON_TRANSPORT": "embedded"}))
    app.store.upgrade()
    app.intake().receive(sealed(*ripe()), MOMENT)
    assert app.keep_checkpoints() is not None
    yield Place(app, authority)
    app.close()


def test_a_stamp_is_asked_for_kept_listed_and_holds(place: Place) -> None:
    before = now().replace(microsecond=0)
    kept = place.keep(place.authority.reply(place.ask()))
    assert kept.authority == "CN=A clock" and kept.policy == "1.2.3.4.1" and kept.by == "os:ann"
    assert before <= datetime.fromisoformat(kept.at) <= now()
    with place.app.store.read() as reader:
        assert list(stamps.stamps(reader)) == [kept]
        asked = [e for e in reader.audit_log() if e.kind == stamps.ASKED]
    assert [from_bytes(e.content)["by"] for e in asked] == ["os:ann"]
    check, stamped = place.checked()
    assert check.divergences == [] and (stamped.kept, stamped.held) == (1, 1)


def test_the_same_answer_is_kept_once_and_another_one_beside_it(place: Place) -> None:
    answer = place.authority.reply(place.ask())
    assert place.keep(answer) == place.keep(answer)
    other = place.keep(place.authority.reply(place.ask()))
    with place.app.store.read() as reader:
        assert [one.seq for one in stamps.stamps(reader)] == [place.keep(answer).seq, other.seq]


@pytest.mark.parametrize("long", [False, True])
def test_certificates_in_any_order_are_taken(tmp_path: Path, long: bool) -> None:
    authority = Authority(tmp_path, long=long)
    query, nonce = stamping.query(b"said")
    found = stamping.verify(authority.reply(query), b"said", nonce, stamping.read_roots(authority.roots))
    assert found.nonce == nonce


def refusal(place: Place, answer: bytes, at: datetime | None = None) -> str:
    with place.app.store.read() as reader:
        size = reader.audit_head().size
    with pytest.raises(BatonError) as caught:
        place.keep(answer, at)
    assert ";" in caught.value.reason, "what to do is said too"
    with place.app.store.read() as reader:
        assert reader.audit_head().size == size, "what is refused leaves no entry"
    return caught.value.code


def test_an_answer_about_something_else_is_refused(place: Place) -> None:
    place.ask()
    query, nonce = stamping.query(b"something else")
    answer = place.authority.reply(query)
    assert refusal(place, answer) == "stamp-other"
    with pytest.raises(BatonError, match="stamp-other"):
        place.verify(answer, b"said", nonce)


def test_an_answer_to_another_request_about_the_same_checkpoint_is_refused(place: Place) -> None:
    place.ask()
    with place.app.store.read() as reader:
        last = reader.last_checkpoint()
    assert last is not None
    overheard = place.authority.reply(stamping.query(last.text.encode())[0])
    assert refusal(place, overheard) == "stamp-nonce"


def test_an_authority_of_another_root_is_refused(place: Place, tmp_path: Path) -> None:
    foreign = Authority(tmp_path / "foreign")
    assert refusal(place, foreign.reply(place.ask())) == "stamp-untrusted"


@pytest.mark.parametrize(
    "signer",
    [{"since": -9 * DAY, "until": -DAY}, {"since": DAY, "until": 9 * DAY}],
    ids=["run out", "not yet valid"],
)
def test_a_certificate_that_was_not_valid_then_is_refused(
    place: Place, tmp_path: Path, signer: dict[str, timedelta]
) -> None:
    wrong = Authority(tmp_path / "wrong", **signer)
    answer = wrong.reply(place.ask())
    with pytest.raises(BatonError) as caught:
        stamps.keep(
            place.app.store,
            answer,
            lambda *said: stamping.verify(*said, stamping.read_roots(wrong.roots)),
            "os:ann",
            now(),
        )
    assert caught.value.code == "stamp-untrusted"
    assert ("run out" if signer["until"] < timedelta() else "not valid yet") in caught.value.reason


def test_a_certificate_that_has_run_out_since_still_holds(tmp_path: Path) -> None:
    authority = Authority(tmp_path, until=timedelta(seconds=4))
    query, nonce = stamping.query(b"said")
    answer, made = authority.reply(query), time.monotonic()
    time.sleep(max(0.0, 5 - (time.monotonic() - made)))
    assert stamping.verify(answer, b"said", nonce, stamping.read_roots(authority.roots)).nonce == nonce


def test_a_certificate_under_the_right_root_that_is_not_for_time_stamps_is_refused(place: Place) -> None:
    authority = place.authority
    answer = authority.reply(place.ask())
    server = issue("A server", authority.root, stamps=False)
    assert refusal(place, authority.forged_by(server, answer)) == "stamp-untrusted"
    clock = issue("Another clock", authority.root)
    assert place.keep(authority.forged_by(clock, answer)).authority == "CN=Another clock"


def test_a_clock_that_is_wrong_is_told(place: Place) -> None:
    assert refusal(place, place.authority.reply(place.ask()), now() - timedelta(hours=1)) == "stamp-late"
    signer, later = place.app.signer(), now() + timedelta(hours=1)
    made = make_checkpoint(place.app.store, signer, "baton", later)
    assert made is not None
    assert refusal(place, place.authority.reply(place.ask())) == "stamp-early"


def test_an_authority_that_does_not_stamp_is_told_with_its_own_words(place: Place, tmp_path: Path) -> None:
    unwilling = Authority(tmp_path / "unwilling", digests="sha512")
    answer = unwilling.reply(place.ask())
    assert refusal(place, answer) == "stamp-refused"
    with pytest.raises(BatonError, match="status 2"):
        stamping.read(answer)


def test_what_is_no_answer_is_told(place: Place) -> None:
    answer = place.authority.reply(place.ask())
    others = [b"", b"\0", b"0", b"<html>", b"{}", b"-----BEGIN CERTIFICATE-----", b"0\x80\0\0", b"\xff" * 999]
    others += [answer[:n] for n in range(0, len(answer), 37)] + [answer + b"\0", answer * 2]
    others += [
        b"0" * (stamping.MOST_BYTES + 1),
        b"0\x84\xff\xff\xff\xff",
        b"\x30\x82" + answer[2:4] + answer[:99],
    ]
    assert {refusal(place, other) for other in others} == {"stamp-unreadable"}
    with pytest.raises(BatonError, match="more than"):
        stamping.read(b"0" * (stamping.MOST_BYTES + 1))


def test_no_bit_of_an_answer_can_be_changed_into_another_stamp(place: Place) -> None:
    query, nonce = stamping.query(b"said")
    answer = place.authority.reply(query)
    honest = place.verify(answer, b"said", nonce)
    held = 0
    for at in range(len(answer)):
        changed = answer[:at] + bytes([answer[at] ^ 1 << at % 8]) + answer[at + 1 :]
        try:
            assert place.verify(changed, b"said", nonce) == honest, at
            held += 1
        except BatonError:
            continue
    assert held < 40, "only what the signature leaves open may be otherwise"
    version = b"\xa0\x03\x02\x01"
    assert answer.count(version + b"\2") == 2
    with pytest.raises(BatonError):
        place.verify(answer.replace(version + b"\2", version + b"\7"), b"said", nonce)


def put(place: Place, said: dict[str, object]) -> LogCheck:
    """Somebody who owns the database enters a stamp of their own making."""
    with place.app.store.write() as unit:
        unit.add_audit([AuditRow(stamps.KEPT, stamps.SUBJECT, to_bytes(said), now())])
    return place.checked()[0]


def test_a_stamp_that_was_put_on_another_checkpoint_is_found(place: Place) -> None:
    place.keep(place.authority.reply(place.ask()))
    with place.app.store.read() as reader:
        entry = next(stamps.entries_of_stamps(reader))
    said = from_bytes(entry.content or b"")
    other = said["checkpoint"].replace(f"\n{said['size']}\n", f"\n{said['size'] + 1}\n")
    changes: list[dict[str, object]] = [
        {"checkpoint": other, "size": said["size"] + 1},
        {"at": "2020-01-01T00:00:00Z"},
        {"serial": "ff"},
        {"nonce": "1"},
        {"size": 1},
        {"answer": said["answer"][:-8]},
        {"answer": "?"},
        {"checkpoint": None},
    ]
    for n, change in enumerate(changes, 1):
        check = put(place, said | change)
        wrong = [d.entry for d in check.divergences if d.kind == "stamp-wrong"]
        assert len(set(wrong)) == n, (change, check.divergences)
    assert place.checked()[1].kept == 1 + len(changes)
    # Whoever has no roots still learns of the stamps that are of something else.
    with place.app.store.read() as reader:
        bare = LogCheck()
        assert stamps.verify_stamps(reader, bare, None).held == 0
    assert len(bare.divergences) == 4, bare.divergences


def exported(place: Place, folder: Path) -> bytes:
    home = Inside(folder, {"BATON_DATABASE_URL": place.app.config.database_url})
    ran = home.baton("audit", "export", "A1", "-o", "x.zip", "--purpose", "p", "--recipient", "r")
    assert ran.returncode == 0, ran
    return (folder / "x.zip").read_bytes()


def test_a_bundle_holds_a_stamp_of_a_checkpoint_that_was_not_the_first_and_tells_a_false_one(
    place: Place, tmp_path: Path
) -> None:
    from tests.audit.test_bundle import verdict

    check: dict[str, object] = {"__name__": "verify"}
    exec(compile(VERIFY.read_text(), str(VERIFY), "exec"), check)
    with place.app.store.write() as unit:
        unit.add_audit([AuditRow("test.other", "GEN/other", b"{}", now())])
    assert make_checkpoint(place.app.store, place.app.signer(), "baton", now()) is not None
    kept = place.keep(place.authority.reply(place.ask()))
    data = exported(place, tmp_path)
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        assert f"stamps/{kept.seq}.tsr" in bundle.namelist()
    assert verdict(check, data) is None
    with place.app.store.read() as reader:
        last = reader.last_checkpoint()
    assert last is not None
    false = {**kept.plain(), "checkpoint": last.text, "size": last.size, "nonce": "1"}
    false |= {"answer": b64encode(kept.answer).decode()}
    put(place, false)
    with place.app.store.write() as unit:
        unit.add_audit([AuditRow("account.disclosed", "GEN/A1", to_bytes({"account": "GEN/A1"}), now())])
    assert "of another checkpoint" in (verdict(check, exported(place, tmp_path)) or "")


def test_the_library_is_asked_for_by_name_where_it_is_missing(place: Place, monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(ConfigRefused, match=r"\[timestamps\]"):
        place.ask()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Home:
    from tests.audit.test_bundle import EXAMPLES

    home = Inside(tmp_path_factory.mktemp("home"))
    for example in ("account.json", "remittance.835"):
        assert home.baton("ingest", EXAMPLES / example).returncode == 0
    assert home.baton("audit", "checkpoint").returncode == 0
    assert home.baton("audit", "stamp", "request", "-o", "first.tsq").returncode == 0
    (home.folder / "first.tsr").write_bytes(authority.reply((home.folder / "first.tsq").read_bytes()))
    ran = home.baton("audit", "stamp", "add", "first.tsr", BATON_TSA_ROOTS=str(authority.roots))
    assert ran.returncode == 0 and "CN=A clock" in ran.stdout, ran
    return home


def test_a_file_is_carried_out_and_its_answer_back(home: Home, authority: Authority) -> None:
    asked = home.baton("audit", "stamp", "request", "-o", "c.tsq")
    assert asked.returncode == 0 and "baton audit stamp add c.tsr" in asked.stdout, asked
    (home.folder / "c.tsr").write_bytes(authority.reply((home.folder / "c.tsq").read_bytes()))
    assert "[no-roots]" in refused(home.baton("audit", "stamp", "add", "c.tsr"), 2)
    added = home.baton("audit", "stamp", "add", "c.tsr", BATON_TSA_ROOTS=str(authority.roots))
    assert added.returncode == 0 and "CN=A clock" in added.stdout, added
    (home.folder / "page.tsr").write_text("<html>proxy</html>")
    words = ("audit", "stamp", "add", "page.tsr", "--tsa-roots", authority.roots)
    assert "[stamp-unreadable]" in refused(home.baton(*words), 1)
    assert "no such file" in refused(home.baton(*words[:-1], "none.pem"), 2).lower()
    (home.folder / "none.pem").write_text("nothing")
    assert "[no-roots]" in refused(home.baton(*words[:-1], "none.pem"), 2)


def test_an_authority_is_asked_over_http(home: Home, authority: Authority) -> None:
    words = ("audit", "stamp", "ask", "--tsa-roots", authority.roots)
    assert "[no-authority]" in refused(home.baton(*words), 2)
    with serving(authority) as url:
        ran = home.baton(*words, "--json", BATON_TSA_URL=f"{url}/tsa")
        assert ran.returncode == 0 and json.loads(ran.stdout)["authority"] == "CN=A clock", ran
        assert "[stamp-unreadable]" in refused(home.baton(*words, "--url", f"{url}/html"), 1)
    assert "[no-authority]" in refused(home.baton(*words, "--url", f"{url}/tsa"), 1)
    listed = json.loads(home.baton("audit", "stamp", "list", "--json").stdout)["items"]
    assert {one["authority"] for one in listed} == {"CN=A clock"}


def test_whatever_else_answers_is_told(authority: Authority) -> None:
    from adapters.authority import ask

    def code(url: str, seconds: float = 5.0) -> str:
        with pytest.raises((Unavailable, BatonError)) as caught:
            stamping.read(ask(url, stamping.query(b"said")[0], seconds=seconds, most_bytes=200_000))
        assert "secret" not in str(caught.value)
        return caught.value.code

    with serving(authority) as url:
        assert code(f"{url}/html") == code(f"{url}/huge") == code(f"{url}/empty") == "stamp-unreadable"
        with pytest.raises(BatonError, match="more than 200,000 bytes"):
            ask(f"{url}/huge", b"0", seconds=5, most_bytes=200_000)
        assert code(f"{url}/slow", 0.5) == code(f"{url}/drip", 0.5) == "no-authority"
        assert code(f"{url}/broken") == code(f"{url}/redirect") == "no-authority"
        assert code(url.replace("http://", "https://")) == "no-authority"
    assert code(f"{url}/tsa?token=secret") == "no-authority"
    for wrong in (
        "ftp://a/b",
        "file:///etc/passwd",
        "tsa.example.org",
        "http://",
        "http://a b/",
        "http://[",
        "x:",
    ):
        assert code(wrong) == "bad-url", wrong


def test_a_bundle_holds_the_stamps_and_both_checks_work_on_it(
    home: Home, authority: Authority, tmp_path: Path
) -> None:
    bundle = tmp_path / "x.zip"
    ran = home.baton("audit", "export", "A2001", "-o", bundle, "--purpose", "p", "--recipient", "r")
    assert ran.returncode == 0, ran
    with zipfile.ZipFile(bundle) as opened:
        files = {entry: opened.read(entry) for entry in opened.namelist()}
        opened.extractall(tmp_path)
    found = sorted(entry for entry in files if entry.startswith("stamps/"))
    assert len(found) >= 2 and len(found) % 2 == 0
    offline = subprocess.run([PYTHON, "-I", str(VERIFY), bundle], capture_output=True, text=True, check=False)
    assert offline.returncode == 0 and "time stamp" in offline.stdout, offline
    report = html.unescape(files["report.html"].decode())
    commands = re.findall(r"openssl ts -verify[^<]*", report)
    assert len(commands) == len(found) // 2
    (tmp_path / "ROOTS.pem").write_bytes(authority.roots.read_bytes())
    for command in commands:
        ran_ = subprocess.run(shlex.split(command), cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran_.returncode == 0 and "Verification: OK" in ran_.stdout, ran_
    text = tmp_path / found[1]
    assert text.suffix == ".txt"
    text.write_bytes(text.read_bytes().replace(b"baton", b"batom"))
    ran_ = subprocess.run(shlex.split(commands[0]), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran_.returncode != 0
    told = home.baton("audit", "verify", "--tsa-roots", authority.roots)
    assert told.returncode == 0 and "time stamp" in told.stdout and "Whose" not in told.stdout, told
    unchecked = home.baton("audit", "verify")
    assert unchecked.returncode == 0 and "Whose the time stamps are was not checked" in unchecked.stdout


def test_a_stamp_in_a_bundle_that_was_changed_left_out_or_put_in_is_found(home: Home, tmp_path: Path) -> None:
    from tests.audit.test_bundle import remade, verdict

    check: dict[str, object] = {"__name__": "verify"}
    exec(compile(VERIFY.read_text(), str(VERIFY), "exec"), check)
    bundle = tmp_path / "x.zip"
    ran = home.baton("audit", "export", "A2001", "-o", bundle, "--purpose", "p", "--recipient", "r")
    assert ran.returncode == 0, ran
    with zipfile.ZipFile(io.BytesIO(bundle.read_bytes())) as opened:
        files = {entry: opened.read(entry) for entry in opened.namelist()}
    first = next(entry for entry in files if entry.startswith("stamps/"))
    assert verdict(check, remade(files)) is None
    for changed in (
        files | {first: files[first] + b"\n"},
        {entry: data for entry, data in files.items() if entry != first},
        files | {"stamps/1.tsr": b"0"},
    ):
        assert "time stamp" in (verdict(check, remade(changed)) or "")
