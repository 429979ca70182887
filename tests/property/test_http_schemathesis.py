"""For a fuzzer: whatever the published contract allows is answered as the contract says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

sys.path.insert(0, str(Path(__file__).parents[1] / "journey"))


def test_generated_requests_are_answered_as_documented(tmp_path: Path) -> None:
    from web_fixtures import charge, door_to, make_app

    app = make_app(tmp_path)
    app.store.upgrade()
    door = door_to(app)
    door.send(charge("A1"))
    # Left out: a struck key while ours is still sent, and limits that a schema cannot say (years).
    from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

    described = schemathesis.openapi.from_wsgi("/openapi.json", door.web)
    headers = {"Authorization": f"Bearer {door.key}"}

    for result in described.get_all_operations():
        operation = result.ok()

        @given(case=operation.as_strategy())
        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        def check(case: object) -> None:
            answer = case.call(headers=headers)  # type: ignore[attr-defined]
            case.validate_response(answer, excluded_checks=[ignored_auth, positive_data_acceptance])  # type: ignore[attr-defined]

        check()
    assert "defect" not in door.log.getvalue()
    app.close()
