"""The folder door: files that a sender puts down, read when they are whole and moved away once stored.

Everything happens below one open directory, without following any link: a name is looked up in it, never a
path, and what is moved is checked to be what was read. Only regular files with one name are read.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeAlias

from schemas.errors import ConfigRefused

DONE: Final = "done"
PARKED: Final = "parked"
UNFINISHED: Final = (".part", ".tmp", ".filepart", ".crdownload")
"""Ends of names under which senders write before they rename."""

MOST_FILES: Final = 1000
"""Files of one look; the rest comes with the next."""

CHUNK_BYTES: Final = 1 << 18
NAME_BYTES: Final = 255
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Without O_NONBLOCK, opening a pipe that was put in a file's place would wait for its writer for ever.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

Identity: TypeAlias = tuple[int, int, int, int]
"""Device, inode, size, and time of the last change: what tells that a file is still the same."""


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _is_file(status: os.stat_result) -> bool:
    """A regular file of one name: a second name would let a sender have foreign files read."""
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1


@dataclass(slots=True)
class Taken:
    """One whole file, open: its bytes may be asked for again and again until it is closed."""

    name: str
    identity: Identity
    sha256: str
    fd: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.identity[2]

    def chunks(self) -> Iterator[bytes]:
        """The bytes from the first."""
        at = 0
        while at < self.size and (chunk := os.pread(self.fd, min(CHUNK_BYTES, self.size - at), at)):
            yield chunk
            at += len(chunk)

    def body(self) -> bytes:
        """The bytes in memory."""
        return b"".join(self.chunks())

    def close(self) -> None:
        """Let the file go."""
        os.close(self.fd)


class Folder:
    """One watched folder, held by one process at a time.

    A file is whole when it looked the same twice, at least `settle_seconds` apart; with a `marker`, when a
    file of its name and that end stands beside it.

    Raises:
        ConfigRefused: the folder cannot be used, or another process watches it.
    """

    def __init__(self, path: Path, marker: str | None = None, settle_seconds: float = 2.0) -> None:
        self._marker = marker
        self._settle_seconds = settle_seconds
        self._seen: dict[str, tuple[Identity, float]] = {}
        self._fds: list[int] = []
        try:
            self._folder = self._open(path, _FOLDER)
            fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._away = {name: self._below(name) for name in (DONE, PARKED)}
        except BlockingIOError:
            self.close()
            raise ConfigRefused(
                "folder-watched", "another process watches this folder; one is enough", where=str(path)
            ) from None
        except OSError as error:
            self.close()
            reason = f"cannot use this folder: {error.strerror}; correct the path or its permissions"
            raise ConfigRefused("bad-folder", reason, where=str(path)) from None

    def _open(self, path: str | Path, flags: int, dir_fd: int | None = None) -> int:
        fd = os.open(path, flags, dir_fd=dir_fd)
        self._fds.append(fd)
        return fd

    def _below(self, name: str) -> int:
        try:
            os.mkdir(name, 0o750, dir_fd=self._folder)
        except FileExistsError:
            pass
        return self._open(name, _FOLDER | os.O_NOFOLLOW, self._folder)

    def close(self) -> None:
        """Let the folder go."""
        for fd in self._fds:
            os.close(fd)
        self._fds = []

    def ready(self, now_seconds: float) -> list[str]:
        """Names of files that are whole at this reading of a clock that never goes back; in order of name."""
        found = self._regular()
        names = set(found)
        if self._marker is not None:
            return [n for n in sorted(found) if not n.endswith(self._marker) and n + self._marker in names][
                :MOST_FILES
            ]
        whole = []
        for name, identity in sorted(found.items()):
            before, since = self._seen.get(name, (None, now_seconds))
            if before != identity:
                since = now_seconds
            elif now_seconds - since >= self._settle_seconds:
                whole.append(name)
            found_since = since
            self._seen[name] = (identity, found_since)
        for gone in [name for name in self._seen if name not in found]:
            del self._seen[gone]
        return whole[:MOST_FILES]

    def _regular(self) -> dict[str, Identity]:
        found = {}
        for name in os.listdir(self._folder):  # noqa: PTH208
            if name.startswith(".") or name in (DONE, PARKED) or name.lower().endswith(UNFINISHED):
                continue
            try:
                status = os.stat(name, dir_fd=self._folder, follow_symlinks=False)
            except OSError:
                continue
            if _is_file(status):
                found[name] = _identity(status)
        return found

    def take(self, name: str) -> Taken | None:
        """Open a file and take its digest; None when it is no file any more, or changes meanwhile."""
        try:
            fd = os.open(name, _FILE, dir_fd=self._folder)
        except OSError:
            return None
        status = os.fstat(fd)
        seen = self._seen.get(name)
        if not _is_file(status) or (seen is not None and seen[0] != _identity(status)):
            os.close(fd)
            return None
        taken = Taken(name, _identity(status), "", fd)
        digest = sha256()
        for chunk in taken.chunks():
            digest.update(chunk)
        if _identity(os.fstat(fd)) != taken.identity:
            taken.close()
            return None
        taken.sha256 = digest.hexdigest()
        return taken

    def put_away(self, taken: Taken, where: str) -> str | None:
        """Move what was read, and now is stored, to `done` or `parked`; its name there.

        None when another file stands under its name by now, or it was written to: that stays, and is read.
        Nothing in `done` or `parked` is ever replaced.
        """
        target, name = self._away[where], self._free(where, taken)
        try:
            os.rename(taken.name, name, src_dir_fd=self._folder, dst_dir_fd=target)
        except OSError:
            return None
        moved = os.stat(name, dir_fd=target, follow_symlinks=False)
        if _identity(moved) != taken.identity:
            # Checked after the move, since before it another file could still have been put in its place.
            self._put_back(name, target, taken)
            self._seen.pop(taken.name, None)
            return None
        self._seen.pop(taken.name, None)
        if self._marker is not None:
            self._remove_marker(taken.name + self._marker)
        for fd in (target, self._folder):
            os.fsync(fd)
        return name

    def _put_back(self, name: str, target: int, taken: Taken) -> None:
        """Under its name, or under another when that is taken again: no file is ever replaced."""
        for back in (taken.name, *(self._other(taken, n) for n in range(MOST_FILES))):
            try:
                os.link(name, back, src_dir_fd=target, dst_dir_fd=self._folder, follow_symlinks=False)
            except FileExistsError:
                continue
            os.unlink(name, dir_fd=target)
            return

    def _remove_marker(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self._folder)
        except OSError:
            return

    def _free(self, where: str, taken: Taken) -> str:
        name, n = taken.name, 0
        while self._exists(name, self._away[where]):
            name, n = self._other(taken, n), n + 1
        return name

    @staticmethod
    def _other(taken: Taken, n: int) -> str:
        """Another name, within what a file system takes."""
        tail = f".{taken.sha256[:12]}.{n}"
        room = os.fsencode(taken.name)[: NAME_BYTES - len(tail)]
        return os.fsdecode(room) + tail

    @staticmethod
    def _exists(name: str, folder: int) -> bool:
        try:
            os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True
