"""`/v1/audit`: what a witness outside needs to hold this Baton to its log; nothing of any patient."""

from __future__ import annotations

from typing import Any

from flask import Response

from schemas.audit import Checkpoint
from schemas.errors import BatonError
from schemas.wire.api import CheckpointPage, ConsistencyProof, PublicKeys
from service.audit.keys import keys_in_log
from service.audit.proofs import Witnessed
from service.plainly import instant_of
from service.web.blueprints import Blueprint, plain
from service.web.queries import CheckpointsQuery, NoQuery, SizesQuery
from service.web.rooms import Rooms


def blueprint(rooms: Rooms) -> Blueprint:
    """Checkpoints, the keys that sign them, and proofs that the log only grew."""
    witnessed = Witnessed()
    blue = Blueprint(
        "audit", __name__, url_prefix="/v1/audit", description="The audit log, for witnesses outside."
    )

    @blue.route("/checkpoint")
    @blue.asks(NoQuery)
    @blue.gives_text("The checkpoint.")
    @blue.refuses(404, 422, 503)
    @blue.named("getCheckpoint")
    def latest(query: dict[str, Any]) -> Response:
        """The newest checkpoint as it was given out, byte for byte (C2SP tlog-checkpoint)."""
        with rooms.store().read() as reader:
            last = reader.last_checkpoint()
        if last is None:
            raise BatonError("no-checkpoint", "none was signed yet; `baton clock` signs one every minute")
        return Response(last.text, content_type="text/plain; charset=utf-8")

    @blue.route("/checkpoints")
    @blue.asks(CheckpointsQuery)
    @blue.gives(200, CheckpointPage)
    @blue.refuses(422, 503)
    @blue.named("listCheckpoints")
    def page(query: dict[str, Any]) -> Response:
        """Checkpoints by size, smallest first; `next` is `after` of the next page, null on the last."""
        with rooms.store().read() as reader:
            found = reader.checkpoints(query["after"], query["limit"] + 1)
        kept = found[: query["limit"]]
        items = [{"size": c.size, "made_at": instant_of(c.made_at), "text": c.text} for c in kept]
        more = len(found) > len(kept)
        return plain({"items": items, "next": str(kept[-1].size) if more else None})

    @blue.route("/key")
    @blue.asks(NoQuery)
    @blue.gives(200, PublicKeys)
    @blue.refuses(422, 503)
    @blue.named("getAuditKeys")
    def keys(query: dict[str, Any]) -> Response:
        """The public keys that the log names, and which one signed last. Compare with one kept elsewhere."""
        with rooms.store().read() as reader:
            last, named = reader.last_checkpoint(), keys_in_log(reader)
        signs = Checkpoint.read(last.text).key_id if last else None
        items = [{"key_id": id, "public_key": key.hex()} for id, key in named.items()]
        return plain({"origin": rooms.app.config.audit_origin, "signs": signs, "items": items})

    @blue.route("/consistency")
    @blue.asks(SizesQuery)
    @blue.gives(200, ConsistencyProof)
    @blue.refuses(404, 422, 503)
    @blue.named("proveConsistency")
    def consistency(query: dict[str, Any]) -> Response:
        """The hashes that show how the log of `from` entries became that of `to` (RFC 9162, 2.1.4)."""
        earlier, size = query["from"], query["to"]
        with rooms.store().read() as reader:
            proof = witnessed.consistency(reader, earlier, size)
        return plain({"from": earlier, "to": size, "proof": [one.hex() for one in proof]})

    return blue
