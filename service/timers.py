"""The clock's work: accounts whose review day has come are decided again."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Final

from schemas.errors import Unavailable
from service.intake import Intake, Moment
from service.logs import Log

ROUND_SECONDS: Final = 5.0
ROUND_ACCOUNTS: Final = 500


def review_round(
    intake: Intake, moment: Moment, progress: Callable[[int], None] = lambda reviewed: None
) -> int:
    """Review everything that is due at a moment; how many accounts that was.

    Each account is reviewed at most once a round: deciding moves its review day past the moment.
    """
    reviewed = 0
    while count := intake.review(moment, ROUND_ACCOUNTS):
        reviewed += count
        progress(reviewed)
    return reviewed


def keep_time(intake: Intake, clock: Callable[[], Moment], log: Log, stop: Event) -> None:
    """Review what is due, again and again, until told to stop."""
    while not stop.is_set():
        try:
            reviewed = review_round(intake, clock())
        except Unavailable as error:
            log.warning("cannot review", code=error.code)
        else:
            if reviewed:
                log.info("reviewed", accounts=reviewed)
        stop.wait(ROUND_SECONDS)
