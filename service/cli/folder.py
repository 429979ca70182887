"""`baton folder`: takes in what senders put into watched folders."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from adapters.folder import Folder
from schemas.errors import ConfigRefused
from service.app import App, calm_collector, stop_on_signals
from service.cli.opening import opened
from service.folders import FolderClerk
from service.logs import Log, open_log

LOOK_SECONDS: Final = 1.0
SETTLE_SECONDS: Final = 2.0


@click.command()
@click.option("--once", is_flag=True, help="Take in what is whole now, and end.")
def folder(once: bool) -> None:
    """Take in files from the folders of feeds with `door = "folder"`, until told to stop.

    A file is read when it has not changed for two seconds, or when its marker is there; it is moved into
    `done/` or `parked/` only after it is stored. gzip and zip are unpacked.
    """
    stop, log = stop_on_signals(), open_log("folder")
    with opened(begin=once, until=None if once else stop, log=log) as app:
        clerks = clerks_of(app, log)
        calm_collector()
        log.info("folders watched", folders=len(clerks))
        if once:
            for clerk in clerks:
                clerk.look()
            stop.wait(SETTLE_SECONDS)
        taken = 0
        while not stop.is_set():
            fresh = sum(len(clerk.look()) for clerk in clerks)
            taken += fresh
            if fresh:
                log.info("files taken in", messages=fresh)
            if once:
                break
            stop.wait(LOOK_SECONDS)
        log.info("folders left", messages=taken)


def clerks_of(app: App, log: Log) -> list[FolderClerk]:
    """One for each watched folder.

    Raises:
        ConfigRefused: no feed has a folder, or one cannot be used.
    """
    feeds = [feed for feed in app.config.feeds.values() if feed.path is not None]
    if not feeds:
        raise ConfigRefused("no-folder", 'no feed has door = "folder" and a path', where="feeds")
    intake = app.intake()
    return [
        FolderClerk(
            intake,
            Folder(Path(feed.path), feed.marker, SETTLE_SECONDS),
            feed.name,
            min(app.config.max_message_bytes, feed.max_bytes or app.config.max_message_bytes),
            app.moment,
            log,
        )
        for feed in feeds
        if feed.path is not None
    ]
