"""For the auditor: a bundle holds on a machine without Baton, and whatever is done to one is a verdict."""

from __future__ import annotations

import base64
import io
import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

from schemas.canonical import to_bytes
from service.audit.bundle import zipped
from tests.audit.logs import OTHER
from tests.journey.command_line import ROOT, Home, Inside, refused

VERIFY = ROOT / "service" / "audit" / "offline" / "verify.py"
BUNDLES = Path(__file__).parent / "bundles"
EXAMPLES = ROOT / "docs" / "examples"
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else "python3"


def verify(bundle: Path, *words: str, program: Path = VERIFY) -> tuple[int, str]:
    """The verdict of a machine that has Python and nothing of ours."""
    ran = subprocess.run(
        [PYTHON, "-I", "-S", str(program), str(bundle), *words],
        env={}, cwd=bundle.parent, capture_output=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert ran.stderr == "" and "Traceback" not in ran.stdout
    return ran.returncode, ran.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("home"))
    for name in ("account.json", "remittance.835", "correction.835"):
        assert home.baton("ingest", EXAMPLES / name).returncode == 0
    return home


def export(home: Home, *more: str) -> Path:
    made = home.folder / "x.zip"
    ran = home.baton(
        "audit", "export", "A2001", "-o", made, "--purpose", "a test", "--recipient", "nobody", *more
    )
    assert ran.returncode == 0, ran
    return made


@pytest.fixture(scope="module")
def files(home: Home) -> dict[str, bytes]:
    with zipfile.ZipFile(export(home)) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


@pytest.fixture(scope="module")
def check() -> Iterator[object]:
    """The verifier's check in this process, for thousands of bundles."""
    names: dict[str, object] = {"__name__": "verify"}
    exec(compile(VERIFY.read_text(), str(VERIFY), "exec"), names)
    yield names


def verdict(check: dict, data: bytes, key: str = "") -> str | None:
    """None where the bundle holds; what is wrong otherwise. Anything but a verdict raises."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as bundle:
            check["check"](check["read"](bundle), check["by_id"]([key] if key else []))
    except check["BAD"] as error:
        return str(error)
    return None


def remade(files: dict[str, bytes]) -> bytes:
    """A bundle whose manifest a forger made anew to fit the files."""
    manifest = json.loads(files["manifest.json"])
    manifest["files"] = {n: sha256(d).hexdigest() for n, d in files.items() if n != "manifest.json"}
    return zipped(files | {"manifest.json": to_bytes(manifest)})


def with_log(files: dict[str, bytes], change) -> bytes:
    log = json.loads(files["log.json"])
    change(log)
    return remade(files | {"log.json": to_bytes(log)})


def test_a_bundle_holds_with_pythons_standard_library_alone(home: Home) -> None:
    made = export(home)
    key = home.baton("audit", "key").stdout.split()[1]
    with zipfile.ZipFile(made) as bundle:
        own = made.with_name("verify.py")
        own.write_bytes(bundle.read("verify.py"))
    assert verify(made, "--key", key, program=own)[0] == 0
    code, text = verify(made)
    assert code == 0 and text.startswith("HOLDS: account GEN/A2001: ")
    assert verify(made, "--key", OTHER.public_key.hex())[0] == 1
    assert verify(made, "--key", "x")[0] == 2
    assert verify(made.with_name("none.zip"))[0] == 2
    assert len(VERIFY.read_text().splitlines()) < 200


def test_bundles_of_every_version_so_far_still_hold() -> None:
    kept = sorted(BUNDLES.glob("*.zip"))
    assert kept
    for bundle in kept:
        assert verify(bundle)[0] == 0, bundle.name


def test_an_export_is_an_entry_with_purpose_and_recipient(home: Home, files: dict[str, bytes]) -> None:
    last = json.loads(files["log.json"])["entries"][-1]
    said = json.loads(last["content"])
    assert (last["kind"], said["purpose"], said["recipient"]) == ("account.disclosed", "a test", "nobody")
    assert said["by"]
    for missing in ("--purpose", "--recipient"):
        words = [w for w in ("--purpose=p", "--recipient=r") if not w.startswith(missing)]
        assert home.baton("audit", "export", "A2001", "-o", home.folder / "no.zip", *words).returncode == 2
    assert not (home.folder / "no.zip").exists()


def test_nothing_is_written_where_the_entry_cannot_be_kept(tmp_path: Path) -> None:
    import sqlite3

    home = Home(tmp_path)
    assert home.baton("ingest", EXAMPLES / "account.json").returncode == 0
    database = sqlite3.connect(next(tmp_path.rglob("baton.db")))
    database.execute(
        "CREATE TRIGGER full BEFORE INSERT ON audit_content BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    database.commit()
    database.close()
    ran = home.baton(
        "audit", "export", "A2001", "-o", tmp_path / "x.zip", "--purpose", "p", "--recipient", "r"
    )
    refused(ran, 1)
    assert not list(tmp_path.glob("*.zip")) and not list(tmp_path.glob(".baton-*"))


def test_without_messages_the_bundle_still_holds(home: Home, check: dict) -> None:
    data = export(home, "--no-messages").read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        assert not [n for n in bundle.namelist() if n.startswith("messages/")]
    assert verdict(check, data) is None


def test_the_same_files_make_the_same_bundle(files: dict[str, bytes]) -> None:
    assert zipped(files) == zipped(dict(reversed(files.items())))


def test_every_file_changed_removed_added_or_swapped_is_found(files: dict[str, bytes], check: dict) -> None:
    assert verdict(check, zipped(files)) is None
    for name, data in files.items():
        for at in {0, len(data) // 3, len(data) // 2, len(data) - 1}:
            changed = files | {name: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]}
            assert verdict(check, zipped(changed)) is not None, (name, at)
            if name != "manifest.json":
                assert verdict(check, remade(changed)) is not None, (name, at, "manifest made anew")
        fewer = {n: d for n, d in files.items() if n != name}
        assert verdict(check, zipped(fewer)) is not None, name
        if name != "manifest.json":
            assert verdict(check, remade(fewer)) is not None, (name, "manifest made anew")
    for added in ("facts/" + "0" * 64 + ".json", "more.txt", "messages/../x", "decisions/x.json"):
        assert verdict(check, remade(files | {added: b"{}"})) is not None, added
    names = sorted(n for n in files if n not in ("manifest.json",))
    for one, other in pairwise(names):
        swapped = files | {one: files[other], other: files[one]}
        assert verdict(check, remade(swapped)) is not None, (one, other)


def test_a_fact_made_anew_under_its_own_digest_is_found(files: dict[str, bytes], check: dict) -> None:
    name = next(n for n in files if n.startswith("facts/"))
    false = files[name].replace(b"2025", b"2024", 1)
    forged = {n: d for n, d in files.items() if n != name}
    forged[f"facts/{sha256(false).hexdigest()}.json"] = false
    assert verdict(check, remade(forged)) is not None


def test_every_bit_of_the_log_file_counts(files: dict[str, bytes], check: dict) -> None:
    data = files["log.json"]
    for at in range(0, len(data), 7):
        changed = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
        assert verdict(check, remade(files | {"log.json": changed})) is not None, (at, data[at : at + 9])


def test_proofs_numbers_checkpoints_and_keys_are_held_to_each_other(
    files: dict[str, bytes], check: dict
) -> None:
    def swap_proofs(log):
        a, b = log["entries"][0], log["entries"][-1]
        a["proof"], b["proof"] = b["proof"], a["proof"]

    def shift(by):
        def change(log):
            log["entries"][0]["seq"] += by

        return change

    def leave_out(log):
        del log["entries"][1]

    def other_key(log):
        log["keys"] = [OTHER.public_key.hex()]

    def forge(log):
        lines = log["checkpoint"].split("\n")
        body = "\n".join(lines[:4]) + "\n"
        signature = base64.b64encode(OTHER.sign(body.encode())).decode()
        log["checkpoint"] = f"{body}\n\u2014 {lines[5].split()[1]} {signature}\n"

    def larger(log):
        log["checkpoint"] = log["checkpoint"].replace("\n", "\n9", 1)

    def empty(log):
        log["entries"] = []

    for change in (swap_proofs, shift(1), shift(-1), leave_out, other_key, forge, larger, empty):
        assert verdict(check, with_log(files, change)) is not None, change.__name__
    # Signed wholly anew with another key it holds by itself; the key kept elsewhere tells.
    for name in ("checkpoint", "entries", "earlier", "keys"):
        for false in (None, [], {}, 0, "", [None], [[]], [{}]):
            if name == "earlier" and not false:
                continue  # fewer earlier checkpoints say less, and nothing false
            log = json.loads(files["log.json"]) | {name: false}
            forged = remade(files | {"log.json": to_bytes(log)})
            assert verdict(check, forged) is not None, (name, false)


def test_an_entry_left_out_or_put_in_twice_is_found(files: dict[str, bytes], check: dict) -> None:
    entries = len(json.loads(files["log.json"])["entries"])
    told = set()
    for n in range(entries - 1):
        told.add(verdict(check, with_log(files, lambda log, n=n: log["entries"].pop(n))))
        twice = with_log(files, lambda log, n=n: log["entries"].insert(n, log["entries"][n]))
        assert verdict(check, twice) is not None, n
    assert None not in told and "entries are left out, or put in" in told, told


def test_a_cut_zip_and_a_bomb_end_in_a_verdict(files: dict[str, bytes], check: dict, tmp_path: Path) -> None:
    data = zipped(files)
    for size in [*range(60), *range(60, len(data), len(data) // 150)]:
        assert verdict(check, data[:size]) is not None, size
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", bytes(100_000_000))
    assert verdict(check, bomb.getvalue()) == "a file in the bundle is compressed"
    # A directory that claims four gigabytes in a file of a few bytes.
    liar = bytearray(zipped({"manifest.json": b"{}"}))
    at = liar.rindex(b"PK\x01\x02")
    liar[at + 20 : at + 28] = struct.pack("<LL", 0xFFFFFFF0, 0xFFFFFFF0)
    assert verdict(check, bytes(liar)) is not None
    (tmp_path / "cut.zip").write_bytes(data[: len(data) // 2])
    assert verify(tmp_path / "cut.zip")[0] == 1
    (tmp_path / "empty.zip").write_bytes(b"")
    assert verify(tmp_path / "empty.zip")[0] == 1


def test_a_page_as_pdf_is_always_the_same(home: Home) -> None:
    pytest.importorskip("weasyprint")
    from adapters.pdf import print_page

    with zipfile.ZipFile(export(home, "--pdf")) as bundle:
        page, printed = bundle.read("report.html"), bundle.read("report.pdf")
    assert printed.startswith(b"%PDF-") and print_page(page) == printed
    assert b"http:" not in page and b"https:" not in page


def test_without_the_library_for_pdf_that_is_said_and_the_page_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    home = Inside(tmp_path)
    assert home.baton("ingest", EXAMPLES / "account.json").returncode == 0
    words = ("audit", "export", "A2001", "-o", "x.zip", "--purpose", "p", "--recipient", "r")
    line = refused(home.baton(*words, "--pdf"), 2)
    assert "[pdf]" in line and "leave out --pdf" in line and "report.html" in line and "[no-pdf]" in line
    assert not list(tmp_path.glob("*.zip")) and not list(tmp_path.glob(".baton-*"))
    reads = json.loads(home.baton("audit", "reads", "A2001", "--json").stdout)["items"]
    assert not [one for one in reads if one["kind"] == "disclosure"], (
        "nothing left, so nothing is said to have"
    )
    assert home.baton(*words).returncode == 0
    with zipfile.ZipFile(tmp_path / "x.zip") as bundle:
        page = bundle.read("report.html").decode()
        assert "report.pdf" not in bundle.namelist()
    assert page.startswith("<!doctype html>") and "GEN/A2001" in page and page.rstrip().endswith("</html>")


def test_the_bundle_of_a_merged_account_holds_the_others_facts_too(tmp_path: Path, check: dict) -> None:
    home = Home(tmp_path)

    def said(number: str, type: str, day: int, data: dict) -> dict:
        return {
            "schema": "baton/1", "type": type, "id": f"{type}-{number}-{day}", "source": "here",
            "occurred_at": f"2026-01-{day:02}T00:00:00Z",
            "account": {"facility": "GEN", "number": number}, "data": data,
        }  # fmt: skip

    for n, number in enumerate(("M1", "M2"), 2):
        charge = {"charge_id": f"c{number}", "amount": "10.00", "service_date": "2026-01-02"}
        (tmp_path / "x.json").write_text(json.dumps(said(number, "charge.posted", n, charge)))
        assert home.baton("ingest", tmp_path / "x.json").returncode == 0
    merged = said("M1", "accounts.merged", 9, {"into": {"facility": "GEN", "number": "M2"}})
    (tmp_path / "x.json").write_text(json.dumps(merged))
    assert home.baton("ingest", tmp_path / "x.json").returncode == 0
    for number in ("M1", "M2"):
        out = tmp_path / f"{number}.zip"
        ran = home.baton("audit", "export", number, "-o", out, "--purpose", "p", "--recipient", "r")
        assert ran.returncode == 0, ran
        assert verdict(check, out.read_bytes()) is None
        with zipfile.ZipFile(out) as bundle:
            manifest = json.loads(bundle.read("manifest.json"))
        assert len(manifest["joined"]) == 1 and manifest["rests_on"]
        assert sum(name.startswith("facts/") for name in manifest["files"]) == 3
    assert home.baton("replay").returncode == 0


def test_a_bundle_holds_the_mappings_that_read_its_messages_and_misses_one(
    files: dict[str, bytes], check: dict
) -> None:
    mappings = [name for name in files if name.startswith("mappings/")]
    read_by = json.loads(files["manifest.json"])["read_by"]
    assert mappings and {f"mappings/{version}.json" for version in read_by.values()} == set(mappings)
    left_out = {name: data for name, data in files.items() if name != mappings[0]}
    assert "mapping that read a message" in (verdict(check, remade(left_out)) or "")
    other = {**files, f"mappings/{sha256(b'{}').hexdigest()}.json": b"{}"}
    assert "no entry" in (verdict(check, remade(other)) or "")
    assert verdict(check, remade({**files, mappings[0]: b"{}"})) is not None
