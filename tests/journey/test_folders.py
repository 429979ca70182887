"""For hospital IT: a file put into a watched folder is stored whole before it is moved, whatever happens."""

from __future__ import annotations

import gzip
import io
import os
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from adapters.folder import Folder, Taken
from adapters.unpacking import unpack
from schemas.canonical import digest
from schemas.errors import ConfigRefused, Unavailable
from schemas.facts import Rejected
from service.app import App
from service.folders import FolderClerk
from service.logs import open_log
from tests.journey.batons import Open, at
from tests.journey.command_line import Home
from tests.journey.test_feed_files import EXAMPLES

ERA = (EXAMPLES / "remittance.835").read_bytes()
ACCOUNT = (EXAMPLES / "account.json").read_bytes()


class Watching:
    """A folder, a Baton, and a clock that the test moves."""

    def __init__(self, app: App, path: Path, kind: type[Folder] = Folder, **how: Any) -> None:
        self.path = path
        self.folder = kind(path, **how)
        self.now = 0.0
        self.app = app
        self.clerk = FolderClerk(app.intake(), self.folder, "era", 1 << 20, lambda: at(0), open_log("folder"))

    def look(self, seconds: float = 3.0) -> list[str]:
        self.now += seconds
        return [receipt.disposition for receipt in self.clerk.look(lambda: self.now)]

    def settle(self) -> list[str]:
        return self.look() + self.look()

    def stored(self, body: bytes) -> bool:
        with self.app.store.read() as reader:
            return reader.message(digest(body), "era") is not None

    def inside(self, name: str = "") -> list[str]:
        return sorted(
            p.name for p in (self.path / name).iterdir() if name or p.name not in ("done", "parked")
        )


@pytest.fixture
def watching(batons: Open, tmp_path: Path) -> Iterator[Watching]:
    path = tmp_path / "in"
    path.mkdir()
    made = Watching(batons(), path)
    yield made
    made.folder.close()


def test_a_file_that_rests_is_stored_and_then_moved(watching: Watching) -> None:
    (watching.path / "a.835").write_bytes(ERA)
    assert watching.look() == [] and watching.inside() == ["a.835"]
    assert watching.look() == ["accepted"]
    assert watching.inside() == [] and watching.inside("done") == ["a.835"]
    assert (watching.path / "done" / "a.835").read_bytes() == ERA


def test_a_file_that_grows_is_never_read(watching: Watching) -> None:
    path = watching.path / "a.835"
    for n in range(1, 5):
        path.write_bytes(ERA[: n * 50])
        assert watching.look() == []
    path.write_bytes(ERA)
    assert watching.settle() == ["accepted"]


def test_what_did_not_fit_goes_to_parked_and_its_neighbours_to_done(watching: Watching) -> None:
    (watching.path / "bad").write_bytes(b"no format at all")
    (watching.path / "good").write_bytes(ERA)
    assert sorted(watching.settle()) == ["accepted", "parked"]
    assert watching.inside("done") == ["good"] and watching.inside("parked") == ["bad"]


class DiesBeforeMoving(Folder):
    """Stands for a process that ends between storing and moving."""

    def put_away(self, taken: Taken, where: str) -> str | None:
        raise SystemExit(1)


def test_a_crash_between_storing_and_moving_counts_nothing_twice(batons: Open, tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.mkdir()
    (path / "a.835").write_bytes(ERA)
    app = batons()
    dying = Watching(app, path, kind=DiesBeforeMoving)
    dying.look()
    with pytest.raises(SystemExit):
        dying.look()
    dying.folder.close()
    again = Watching(app, path)
    assert again.inside() == ["a.835"] and again.settle() == ["duplicate"]
    assert again.inside() == [] and again.inside("done") == ["a.835"]
    again.folder.close()


def test_links_pipes_folders_and_second_names_are_left_alone(watching: Watching, tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.write_bytes(ERA)
    (watching.path / "link").symlink_to(outside)
    (watching.path / "loop").symlink_to("loop")
    os.link(outside, watching.path / "second")
    os.mkfifo(watching.path / "pipe")
    (watching.path / "sub").mkdir()
    (watching.path / "sub" / "deep.835").write_bytes(ERA)
    (watching.path / ".hidden").write_bytes(ERA)
    (watching.path / "a.part").write_bytes(ERA)
    assert watching.settle() == [] and watching.look() == []
    assert outside.read_bytes() == ERA and watching.inside("done") == []


@pytest.mark.parametrize("swapped", ["link", "pipe", "folder", "other"])
def test_what_is_put_in_a_files_place_is_not_read(watching: Watching, tmp_path: Path, swapped: str) -> None:
    path = watching.path / "a.835"
    path.write_bytes(ERA)
    watching.look()
    assert watching.folder.ready(watching.now + 3) == ["a.835"]
    path.unlink()
    if swapped == "link":
        (tmp_path / "secret").write_bytes(ERA)
        path.symlink_to(tmp_path / "secret")
    elif swapped == "pipe":
        os.mkfifo(path)
    elif swapped == "folder":
        path.mkdir()
    else:
        path.write_bytes(ERA + b"\n")
    assert watching.folder.take("a.835") is None


def test_a_file_swapped_while_it_is_stored_is_not_moved_unread(watching: Watching) -> None:
    path = watching.path / "a.835"
    path.write_bytes(ERA)
    watching.look()
    [name] = watching.folder.ready(watching.now + 3)
    taken = watching.folder.take(name)
    assert taken is not None
    path.rename(watching.path / "old")
    path.write_bytes(ACCOUNT)
    assert watching.folder.put_away(taken, "done") is None
    taken.close()
    assert watching.inside("done") == [] and path.read_bytes() == ACCOUNT


def test_a_file_written_to_while_it_is_stored_is_not_moved_and_is_read_again(watching: Watching) -> None:
    path = watching.path / "a.835"
    path.write_bytes(ERA)
    watching.look()
    [name] = watching.folder.ready(watching.now + 3)
    taken = watching.folder.take(name)
    assert taken is not None
    with path.open("ab") as file:
        file.write(b"\n")
    assert watching.folder.put_away(taken, "done") is None
    taken.close()
    assert watching.inside() == ["a.835"] and len(watching.settle()) == 1


def test_a_writer_that_never_stops_swapping_loses_nothing(batons: Open, tmp_path: Path) -> None:
    """Whatever is moved was stored, byte for byte."""
    folder = tmp_path / "in"
    folder.mkdir()
    swapping = Watching(batons(), folder, settle_seconds=0.0)
    stop, path = threading.Event(), folder / "a"

    def write() -> None:
        n = 0
        while not stop.wait(0.004):
            n += 1
            (folder / f".{n}").write_bytes(b"body %d" % n)
            (folder / f".{n}").rename(path)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        until = monotonic() + 1.5
        while monotonic() < until:
            swapping.look(0.1)
    finally:
        stop.set()
        writer.join()
    swapping.settle()
    bodies = [p.read_bytes() for kind in ("done", "parked") for p in (folder / kind).iterdir()]
    assert bodies
    assert all(swapping.stored(body) for body in bodies)
    swapping.folder.close()


@pytest.mark.parametrize("name", ["a" * 255, "ü" * 127, "a b'\"; rm -rf", "-rf", "line\nbreak", "..a"])
def test_odd_names_are_moved_as_they_are_and_nothing_is_replaced(watching: Watching, name: str) -> None:
    for body in (ERA, ACCOUNT):
        (watching.path / name).write_bytes(body)
        if name.startswith("."):
            assert watching.settle() == []
            return
        assert len(watching.settle()) == 1
    assert len(watching.inside("done")) == 2 and watching.inside() == []


def test_a_name_that_is_no_text_is_moved_too(watching: Watching) -> None:
    raw = os.fsencode(watching.path) + b"/\xff\xfe"
    with open(raw, "wb") as file:  # noqa: PTH123
        file.write(ERA)
    assert watching.settle() == ["accepted"]


def test_with_a_marker_a_file_is_read_when_its_marker_is_there(batons: Open, tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.mkdir()
    marked = Watching(batons(), path, marker=".ok")
    (path / "a.835").write_bytes(ERA)
    assert marked.settle() == []
    (path / "a.835.ok").touch()
    assert marked.look() == ["accepted"]
    assert marked.inside() == [] and marked.inside("done") == ["a.835"]
    marked.folder.close()


def test_gzip_and_zip_are_unpacked(watching: Watching) -> None:
    (watching.path / "a.gz").write_bytes(gzip.compress(ERA))
    (watching.path / "b.zip").write_bytes(zipped({"../../etc/x": ACCOUNT, "/abs": ERA + b"\n"}))
    told = watching.settle()
    assert len(told) == 3 and "parked" not in told
    assert watching.inside("done") == ["a.gz", "b.zip"]


def zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return made.getvalue()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (gzip.compress(b"0" * 5_000_000), "archive-too-large"),
        (zipped({"a": b"0" * 5_000_000}), "archive-too-large"),
        (zipped({f"{n}": b"" for n in range(1001)}), "archive-too-large"),
        (gzip.compress(os.urandom(2_000_000)), "archive-too-large"),
        (gzip.compress(gzip.compress(b"a")), "archive-nested"),
        (zipped({"a": zipped({"b": b"x"})}), "archive-nested"),
        (gzip.compress(ERA)[:-9], "archive-unreadable"),
        (gzip.compress(ERA)[:30], "archive-unreadable"),
        (zipped({"a": ERA})[:-30], "archive-unreadable"),
        (zipped({}), "archive-unreadable"),
        (b"PK\x03\x04" + b"\x00" * 60, "archive-unreadable"),
    ],
    ids=[
        "zeros-gzip",
        "zeros-zip",
        "many-names",
        "random-gzip",
        "gzip-in-gzip",
        "zip-in-zip",
        "gzip-cut-at-its-end",
        "gzip-cut-early",
        "zip-cut",
        "empty-zip",
        "zip-head-alone",
    ],
)
def test_an_archive_out_of_bounds_waits_for_a_person(body: bytes, code: str) -> None:
    refused = unpack(body, 1 << 20)
    assert isinstance(refused, Rejected) and refused.code == code


def test_no_damage_to_an_archive_raises() -> None:
    for whole in (gzip.compress(ERA), zipped({"a": ERA, "b": ACCOUNT})):
        for at_byte in range(0, len(whole), 7):
            damaged = bytearray(whole)
            damaged[at_byte] ^= 0xFF
            unpack(bytes(damaged), 1 << 20)


def test_a_broken_archive_is_stored_whole_and_parked(watching: Watching) -> None:
    (watching.path / "a.gz").write_bytes(gzip.compress(ERA, mtime=0)[:40])
    assert watching.settle() == ["parked"]
    assert watching.inside("parked") == ["a.gz"] and watching.stored(gzip.compress(ERA, mtime=0)[:40])


def test_nothing_is_moved_while_the_store_does_not_answer(watching: Watching) -> None:
    class Away:
        def receive(self, *_: object) -> None:
            raise Unavailable("no-store", "it does not answer")

    (watching.path / "a.835").write_bytes(ERA)
    clerk = FolderClerk(Away(), watching.folder, "era", 1 << 20, lambda: at(0), open_log("folder"))  # type: ignore[arg-type]
    clerk.look(lambda: 0.0)
    assert clerk.look(lambda: 9.0) == []
    assert watching.inside() == ["a.835"] and watching.inside("done") == []
    assert watching.settle() == ["accepted"]


def test_one_folder_is_watched_by_one_process(watching: Watching, tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused):
        Folder(watching.path)
    with pytest.raises(ConfigRefused):
        Folder(tmp_path / "nowhere")


def test_done_may_be_no_link_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "in" / "done").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigRefused):
        Folder(tmp_path / "in")


def test_the_command_takes_a_folder_in(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for name in ("feeds", "drop"):
        (tmp_path / name).mkdir()
    (tmp_path / "feeds" / "era.toml").write_text('door = "folder"\npath = "drop"\n')
    (tmp_path / "drop" / "a.835").write_bytes(ERA)
    ran = home.baton("folder", "--once")
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "drop" / "done" / "a.835").read_bytes() == ERA
    (tmp_path / "feeds" / "era.toml").unlink()
    assert home.baton("folder", "--once").returncode == 2
