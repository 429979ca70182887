"""Answers about the audit log: its checkpoints, keys and proofs."""

from __future__ import annotations

from marshmallow import Schema, fields

from schemas.wire.answers import many, maybe, moment, said
from schemas.wire.api.common import SHA256, whole


class AuditPlace(Schema):
    """Where the decision stands in the audit log."""

    entry = whole("Entry number.", 1)
    hash = said("Hash of the chain at that entry.", **SHA256)


class CheckpointView(Schema):
    """A signed checkpoint of the audit log."""

    size = whole("How many entries it covers.", 1)
    made_at = moment("When it was signed.")
    text = said("The checkpoint as it was given out (C2SP tlog-checkpoint).")


class CheckpointPage(Schema):
    """Some checkpoints, smallest first."""

    items = many(CheckpointView, "The checkpoints.")
    next = maybe("`after` of the next page; null on the last.")


class PublicKey(Schema):
    """A key that signs checkpoints."""

    key_id = said("Its name on checkpoints.", pattern="^[0-9a-f]{16}$")
    public_key = said("Its 32 bytes (Ed25519) in hexadecimal.", **SHA256)


class PublicKeys(Schema):
    """The keys that the log names, oldest first."""

    origin = said("The name of this log on its checkpoints.")
    signs = maybe("The key that signed the newest checkpoint; null before the first.")
    items = many(PublicKey, "The keys.")


ConsistencyProof = Schema.from_dict(
    {
        "from": whole("The earlier size.", 1),
        "to": whole("The later size.", 1),
        "proof": fields.List(
            said("A hash.", **SHA256), required=True, metadata={"description": "Hashes, in order (RFC 9162)."}
        ),
    },
    name="ConsistencyProof",
)
"""How the log of one size became that of another."""
