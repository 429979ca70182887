"""The fast reader: one straight function for each schema, written once at import from its fields.

As dataclasses write their `__init__`, this writes a function that takes the fields one after the other and
builds the record. It answers only for what is in order. Whatever it meets beyond that, an unknown field among
them, makes it raise `Unusual`, and marshmallow gives the answer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from marshmallow import fields

from schemas.wire.fields import Flat, Leaf, Listing, Part, Stated
from schemas.wire.values import Read


class Unusual(Exception):
    """Not the fast reader's to decide."""


def compile_schema(schema: Stated) -> Read:
    """Make the fast reader of one schema.

    The reader raises `Unusual` (structure) or marshmallow's ValidationError (a value) and nothing else.

    >>> from schemas.wire.parties import Payer
    >>> compile_schema(Payer())({"id": "60054"})
    Payer(id='60054', name=None)
    """
    named: dict[str, Any] = {"Unusual": Unusual}
    lines = ["def read(value):", *_object(schema, "value", " ", named)]
    lines.append(f" return {_record(schema.record, schema, named) if schema.record else _dict(schema)}")
    # Nothing foreign is in this text: its names are the fields that this package declares.
    exec("\n".join(lines), named)  # noqa: S102
    read: Read = named["read"]
    return read


def _object(schema: Stated, value: str, indent: str, named: dict[str, Any]) -> Iterator[str]:
    """Lines that read every field of the object in variable `value`, and see that it has no other."""
    known = _name("known", frozenset(schema.fields), named)
    yield f"{indent}if {value}.__class__ is not dict: raise Unusual"
    yield f"{indent}stated_{value} = 0"
    for name, field in schema.fields.items():
        yield from _field(name, field, value, indent, named)
    yield f"{indent}if stated_{value} != len({value}) and not {value}.keys() <= {known}: raise Unusual"


def _field(
    name: str, field: fields.Field[Any], value: str, indent: str, named: dict[str, Any]
) -> Iterator[str]:
    """Lines that read one field into the variable of its place in the record; null stays None."""
    held = _variable(name, field)
    inner = f"{indent} "
    if isinstance(field, Flat):
        yield from (f"{indent}{_variable(*flat)} = None" for flat in _part(field).fields.items())
    yield f"{indent}{held} = {value}.get({name!r})"
    yield f"{indent}if {held} is not None:"
    yield f"{inner}stated_{value} += 1"
    if isinstance(field, Flat):
        yield from _object(_part(field), held, inner, named)
    elif isinstance(field, Listing):
        read_item = _name("read", _reader(field.inner), named)
        yield f"{inner}if {held}.__class__ is not list or len({held}) > {field.limit}: raise Unusual"
        yield f"{inner}{held} = tuple(map({read_item}, {held}))"
    else:
        yield f"{inner}{held} = {_name('read', _reader(field), named)}({held})"
    if field.required:
        yield f"{indent}else: raise Unusual"


def _variable(name: str, field: fields.Field[Any]) -> str:
    """The variable of a value; a flat object's own may not be that of a field in it."""
    return f"in_{name}" if isinstance(field, Flat) else f"to_{field.attribute or name}"


def _name(prefix: str, thing: Any, named: dict[str, Any]) -> str:
    """A name of its own by which the text reaches this thing."""
    name = f"{prefix}_{len(named)}"
    named[name] = thing
    return name


def _part(field: Part) -> Stated:
    if not isinstance(field.schema, Stated):
        raise TypeError(f"{type(field.schema).__name__} is no schema of the wire")
    return field.schema


def _reader(field: fields.Field[Any]) -> Read:
    if isinstance(field, Leaf):
        return field.read
    if isinstance(field, Part):
        return compile_schema(_part(field))
    raise TypeError(f"no fast reader for {type(field).__name__}")


def _kept(schema: Stated) -> Iterator[str]:
    """Names of what the schema states, those of flat objects included."""
    for name, field in schema.fields.items():
        if isinstance(field, Flat):
            yield from _kept(_part(field))
        elif name not in schema.apart:
            yield field.attribute or name


def _dict(schema: Stated) -> str:
    return "{" + ", ".join(f"{name!r}: to_{name}" for name in _kept(schema)) + "}"


def _record(record: type, schema: Stated, named: dict[str, Any]) -> str:
    """The call that builds the record: by position, with the default where nothing is stated."""
    kept = set(_kept(schema))
    values = []
    for field in dataclasses.fields(record):
        held = f"to_{field.name}"
        if field.default is dataclasses.MISSING or (field.name in kept and field.default is None):
            values.append(held)
        elif field.name in kept:
            default = _name("default", field.default, named)
            values.append(f"{default} if {held} is None else {held}")
        else:
            values.append(_name("default", field.default, named))
    while values and values[-1].startswith("default_") and " " not in values[-1]:
        values.pop()
    return f"{_name('record', record, named)}({', '.join(values)})"
