"""`/healthz`, `/readyz` and `/metrics`: what a load balancer and a monitoring system ask."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response

from service.metrics import CONTENT_TYPE
from service.web.blueprints import plain
from service.web.problems import Refusal
from service.web.readiness import Readiness
from service.web.rooms import Rooms


def blueprint(rooms: Rooms) -> Blueprint:
    """Health of the process, readiness of the service, and its figures.

    `/healthz` and `/readyz` are open. `/metrics` is open to a caller on this machine whose request no proxy
    passed on, and to a key with the scope `metrics:read`.
    """
    blue = Blueprint("health", __name__)
    readiness = Readiness(rooms)

    @blue.get("/healthz")
    def healthz() -> Response:
        """The process answers; it asks nobody else."""
        return plain({"status": "ok"})

    @blue.get("/readyz")
    def readyz() -> Response:
        """Whether messages sent now would be stored and their events sent out."""
        checks = readiness.checks()
        red = [{"where": c.name, "code": c.code, "reason": c.reason} for c in checks if c.code]
        if red:
            detail = "not ready: " + ", ".join(entry["where"] for entry in red)
            headers = {"Retry-After": "5"}
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "not-ready", detail, errors=red, headers=headers)
        return plain({"status": "ready", "checks": [c.name for c in checks]})

    @blue.get("/metrics")
    def metrics() -> Response:
        """Counts for Prometheus; no account and no person in any label."""
        return Response(rooms.meter.exposition(), content_type=CONTENT_TYPE)

    return blue
