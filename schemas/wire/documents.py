"""The published contracts, made from the marshmallow schemas: JSON Schema 2020-12 and AsyncAPI 3.0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema, fields

from schemas.wire.events import EVENTS
from schemas.wire.native import CONTRACT, TYPES, Envelope

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
VERSION: Final = "1.0.0"


def _name(schema: Any) -> str:
    """A schema's name in the documents: that of its class."""
    kind = schema if isinstance(schema, type) else type(schema)
    return str(kind.__name__)


def _components(schemas: dict[str, type[Schema]]) -> dict[str, Any]:
    """Each schema and all that it refers to, by name; OpenAPI 3.1 writes them in JSON Schema 2020-12."""
    spec = APISpec(
        title="Baton",
        version=VERSION,
        openapi_version="3.1.0",
        plugins=[MarshmallowPlugin(schema_name_resolver=_name)],
    )
    for schema in dict.fromkeys(schemas.values()):
        if _name(schema) not in spec.components.schemas:
            spec.components.schema(_name(schema), schema=schema)
    made: dict[str, Any] = spec.to_dict()["components"]["schemas"]
    for schema in _with_parts(schemas.values()):
        made[_name(schema)].setdefault("description", _first_line(schema))
    return made


def _with_parts(schemas: Iterable[type[Schema]]) -> Iterator[type[Schema]]:
    """The schemas and those of the objects inside them."""
    for schema in schemas:
        yield schema
        for field in schema().fields.values():
            inner = field.inner if isinstance(field, fields.List) else field
            if isinstance(inner, fields.Nested):
                yield from _with_parts([type(inner.schema)])


def _first_line(schema: type[Schema]) -> str:
    return (schema.__doc__ or _name(schema)).strip().splitlines()[0]


def _pointing_to(root: str, node: Any) -> Any:
    """The same document with every reference into components pointing below `root`."""
    if isinstance(node, dict):
        return {
            name: inner.replace("#/components/schemas/", root)
            if name == "$ref"
            else _pointing_to(root, inner)
            for name, inner in node.items()
        }
    if isinstance(node, list):
        return [_pointing_to(root, inner) for inner in node]
    return node


def _message(kind: str, schema: type[Schema], root: str) -> dict[str, Any]:
    """One message type: the envelope, its type fixed, its data by its own schema."""
    return {
        "title": kind,
        "description": _first_line(schema),
        "allOf": [{"$ref": f"{root}Envelope"}],
        "properties": {"type": {"const": kind}, "data": {"$ref": f"{root}{_name(schema)}"}},
    }


def json_schema() -> dict[str, Any]:
    """Native JSON as JSON Schema: one message, or an array of up to 1,000.

    Each message type stands alone under `$defs`, by its name. Repeated names, the size and the depth of a
    text are beyond what JSON Schema can say.
    """
    root = "#/$defs/"
    defs = _pointing_to(root, _components({"envelope": Envelope, **TYPES}))
    for kind, schema in TYPES.items():
        defs[kind] = _message(kind, schema, root)
    one = {
        "allOf": [{"$ref": f"{root}Envelope"}],
        "oneOf": [{"$ref": f"{root}{kind}"} for kind in TYPES],
    }
    return {
        "$schema": DIALECT,
        "$id": "urn:baton:native:1",
        "title": f"Native messages, contract {CONTRACT}",
        "description": "One message, or an array of up to 1,000; at most 1 MiB a message and 20 levels deep.",
        "anyOf": [one, {"type": "array", "maxItems": 1000, "items": one}],
        "$defs": defs,
    }


def _cloud_event(kind: str, schema: type[Schema], root: str) -> dict[str, Any]:
    """One outgoing event as CloudEvents 1.0 writes it."""
    text = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "description": _first_line(schema),
        "required": ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": text | {"description": "Stable: the same event always has the same id."},
            "source": text | {"format": "uri-reference"},
            "type": {"const": kind},
            "subject": text | {"description": "facility/number of the account.", "examples": ["GEN/A1"]},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "data": {"$ref": f"{root}{_name(schema)}"},
        },
    }


def event_schema(kind: str) -> dict[str, Any]:
    """One outgoing event type as JSON Schema; KeyError for a type that is none."""
    root = "#/$defs/"
    defs = _pointing_to(root, _components({kind: EVENTS[kind]}))
    return {"$schema": DIALECT, "title": kind, **_cloud_event(kind, EVENTS[kind], root), "$defs": defs}


def asyncapi() -> dict[str, Any]:
    """The RabbitMQ contract: what Baton takes from `baton.in` and what it publishes to `baton.events`."""
    root = "#/components/schemas/"
    schemas = _components({"envelope": Envelope, **TYPES, **EVENTS})
    schemas |= {kind: _message(kind, schema, root) for kind, schema in TYPES.items()}
    schemas |= {f"event.{kind}": _cloud_event(kind, schema, root) for kind, schema in EVENTS.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Baton over RabbitMQ",
            "version": VERSION,
            "description": "Messages of coding and billing systems in; collections cases and decisions out.",
        },
        "defaultContentType": "application/json",
        "channels": {"inbox": _inbox()} | {kind: _outlet(kind) for kind in EVENTS},
        "operations": {
            "takeMessages": {
                "action": "receive",
                "channel": {"$ref": "#/channels/inbox"},
                "summary": "Kept whole, then taken or parked; acknowledged after the commit.",
                "messages": [{"$ref": f"#/channels/inbox/messages/{kind}"} for kind in (*TYPES, *_FOREIGN)],
            }
        }
        | {
            f"publish.{kind}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{kind}"},
                "summary": "Published at least once under a stable message_id, in order per account.",
                "messages": [{"$ref": f"#/channels/{kind}/messages/{kind}"}],
            }
            for kind in EVENTS
        },
        "components": {"schemas": schemas, "messages": _messages()},
    }


_FOREIGN: Final = {
    "x12": ("application/EDI-X12", "X12 835 005010X221A1: an interchange, whole."),
    "hl7v2": ("application/hl7-v2", "HL7 v2: one message or a batch, in its own bytes."),
    "fhir": ("application/fhir+json", "FHIR: one resource or a bundle."),
}


def _inbox() -> dict[str, Any]:
    """Everything that comes in, by `<format>.<feed>`."""
    return {
        "address": "{format}.{feed}",
        "title": "baton.in",
        "description": "Topic exchange; the quorum queue baton.inbox is bound to all of it.",
        "parameters": {
            "format": {"description": "How the body is written.", "enum": ["json", *_FOREIGN]},
            "feed": {"description": "The feed's name, as configured."},
        },
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in (*TYPES, *_FOREIGN)},
        "bindings": {"amqp": _exchange("baton.in")},
    }


def _outlet(kind: str) -> dict[str, Any]:
    """One routing key of the outgoing exchange."""
    return {
        "address": kind,
        "title": f"baton.events {kind}",
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"}},
        "bindings": {"amqp": _exchange("baton.events")},
    }


def _exchange(name: str) -> dict[str, Any]:
    return {
        "is": "routingKey",
        "exchange": {"name": name, "type": "topic", "durable": True, "autoDelete": False, "vhost": "/"},
        "bindingVersion": "0.3.0",
    }


def _messages() -> dict[str, Any]:
    """Every message by name: native types, foreign formats, outgoing events."""
    made: dict[str, Any] = {
        kind: {
            "name": kind,
            "summary": _first_line(schema),
            "contentType": "application/json",
            "payload": {"$ref": f"#/components/schemas/{kind}"},
        }
        for kind, schema in TYPES.items()
    }
    for name, (content_type, summary) in _FOREIGN.items():
        made[name] = {"name": name, "summary": summary, "contentType": content_type}
    for kind, event in EVENTS.items():
        made[kind] = {
            "name": kind,
            "summary": _first_line(event),
            "contentType": "application/cloudevents+json",
            "payload": {"$ref": f"#/components/schemas/event.{kind}"},
        }
    return made
