"""For a fuzzer: whatever the published contract allows is answered as the contract says."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

sys.path.insert(0, str(Path(__file__).parents[1] / "journey"))

BY_MEANING = {
    "idempotency-key-reused",
    "in-the-past",
    "bad-feed",
    "unknown-key",
    "bad-mapping",
    "precondition-required",
    "version-changed",
}
"""Why a request of the right form may be refused all the same."""


# The fuzzer's own strategies now and then use `random`, which is no defect of the answers it asks for.
@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")
def test_generated_requests_are_answered_as_documented(tmp_path: Path) -> None:
    from web_fixtures import charge, door_to, make_app

    app = make_app(tmp_path)
    app.store.upgrade()
    door = door_to(app)
    door.send(charge("A1"))
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    described = schemathesis.openapi.from_wsgi("/openapi.json", door.web)

    @described.auth()
    class Key:
        """Ours, told to the fuzzer as such: it also asks without it, and with others."""

        def get(self, case: Any, context: object) -> str:
            return f"Bearer {door.key}"

        def set(self, case: Any, data: str, context: object) -> None:
            case.headers = {**(case.headers or {}), "Authorization": data}

    answered: Counter[int] = Counter()
    for result in described.get_all_operations():
        operation = result.ok()

        @given(case=operation.as_strategy())
        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        def check(case: Any) -> None:
            answer = case.call()
            answered[answer.status_code] += 1
            # No schema can say which keys were used before, or what day it is: nor what depends on these.
            meant = answer.status_code in (412, 422, 428) and answer.json().get("code") in BY_MEANING
            # Nor that a body is of the type which its path names.
            differs = answer.status_code == 400 and b"type-differs" in answer.content
            # Nor, in a pattern that every reader of schemas knows, which characters can be seen.
            unseen = answer.status_code == 422 and b"visible characters" in answer.content
            excluded = [positive_data_acceptance] if meant or differs or unseen else []
            case.validate_response(answer, excluded_checks=excluded)

        check()
    assert {200, 202, 404} <= set(answered), answered
    assert "defect" not in door.log.getvalue()
    app.close()
