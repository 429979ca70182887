"""Fixtures of the journeys."""

from batons import batons
from web_fixtures import address, door

__all__ = ["address", "batons", "door"]
