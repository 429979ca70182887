"""Connecting a feed: what samples hold, what Baton needs, what to write, what the first day is like."""

from service.onboarding.page import page_of
from service.onboarding.report import Report, examine_samples

__all__ = ["Report", "examine_samples", "page_of"]
