"""What went wrong, as it is answered.

Source: RFC 9457.
"""

from __future__ import annotations

from marshmallow import INCLUDE, Schema, fields

from schemas.wire.answers import said


class ProblemPlace(Schema):
    """One place that must be mended."""

    where = said("The place in what was sent.", examples=["$.data.amount"])
    code = said("Stable code.", examples=["not-an-amount"])
    reason = said("What to write instead.")


class Problem(Schema):
    """What went wrong and what to do (RFC 9457, application/problem+json)."""

    class Meta:
        """RFC 9457 section 3.2 allows further members."""

        unknown = INCLUDE

    type = said("A URI that names the kind of problem.", format="uri-reference", examples=["about:blank"])
    title = said("The kind of problem in a few words.")
    status = fields.Integer(
        required=True,
        strict=True,
        metadata={"description": "The HTTP status.", "minimum": 400, "maximum": 599},
    )
    detail = fields.String(metadata={"description": "What is wrong, where, and what to do."})
    instance = fields.String(metadata={"description": "This very request.", "format": "uri-reference"})
    code = fields.String(metadata={"description": "Stable code.", "examples": ["missing-field"]})
    errors = fields.List(fields.Nested(ProblemPlace), metadata={"description": "Every place to mend."})
