"""Fixtures of the journeys."""

from web_fixtures import address, door

__all__ = ["address", "door"]
