"""Two people who came by one login of the machine: told wherever it happens, refused where that is set.

A name is what somebody says; the login (`os:` and a user, `key:` and a key's prefix) is what Baton knows. In
a container everybody is one user, so a shared login is no proof of one person and not refused unless
`BATON_SHARED_LOGIN` says so. One API key for two names is always refused: keys cost nothing.
"""

from __future__ import annotations

from typing import Final

from schemas.errors import BatonError

OS_USER: Final = "os:"


def shared_login(first: str | None, second: str | None) -> str | None:
    """The login by which both came; None where they came by two, or where one is not known.

    >>> shared_login("os:root", "root"), shared_login("os:ann", "os:bob"), shared_login(None, None)
    ('root', None, None)
    """
    one, other = (login.removeprefix(OS_USER) if login else None for login in (first, second))
    return one if one == other else None


def check_logins(first: str | None, second: str | None, *, refuse: bool) -> str | None:
    """The login that two people share, where that is no reason to refuse.

    Raises:
        BatonError: `same-login`.
    """
    shared = shared_login(first, second)
    if shared is not None and refuse:
        raise BatonError(
            "same-login",
            f"this was proposed as {shared} of this machine too, and BATON_SHARED_LOGIN is `refuse`; a "
            "second person has a login of their own",
        )
    return shared


def told(shared: str) -> str:
    """What a person is told about a shared login."""
    return f"both came as {shared} of this machine, which cannot tell them apart"
