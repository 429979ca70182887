"""Declares and checks the exchanges and queues Baton stands on; the same again is harmless."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pika
import pika.exceptions as broken

from adapters.rabbitmq.link import as_baton_error, parameters, place
from adapters.transport import DEAD_QUEUE, DELIVERY_LIMIT, EVENTS_EXCHANGE, IN_EXCHANGE, INBOX_QUEUE
from schemas.errors import ConfigRefused

DEAD_EXCHANGE = "baton.dead"
EXCHANGES = {IN_EXCHANGE: "topic", EVENTS_EXCHANGE: "topic", DEAD_EXCHANGE: "fanout"}
PRECONDITION_FAILED = 406


@dataclass(frozen=True, slots=True)
class BrokerState:
    """What a check saw: the product with its version, and how many messages wait in each queue."""

    product: str
    waiting: int
    dead: int


def setup(url: str, *, delivery_limit: int = DELIVERY_LIMIT) -> BrokerState:
    """Declares everything DESIGN's table names, and returns what is there now.

    Raises: ConfigRefused when something of that name exists with other properties, or may not be declared;
        Unavailable when the broker does not answer.
    """
    inbox = {
        "x-queue-type": "quorum",
        "x-delivery-limit": delivery_limit,
        "x-dead-letter-exchange": DEAD_EXCHANGE,
        # The dead queue must confirm before the inbox lets go; RabbitMQ asks for reject-publish with it.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    with _channel(url) as channel:
        for exchange, kind in EXCHANGES.items():
            with _naming(f"exchange {exchange}"):
                channel.exchange_declare(exchange, kind, durable=True)
        for queue, arguments in ((DEAD_QUEUE, {"x-queue-type": "quorum"}), (INBOX_QUEUE, inbox)):
            with _naming(f"queue {queue}"):
                channel.queue_declare(queue, durable=True, arguments=arguments)
        channel.queue_bind(DEAD_QUEUE, DEAD_EXCHANGE)
        channel.queue_bind(INBOX_QUEUE, IN_EXCHANGE, "#")
        return _state(channel)


def check(url: str) -> BrokerState:
    """Looks without changing anything.

    Raises: ConfigRefused when something is missing (run `baton broker setup`), Unavailable as `setup` does.
    """
    with _channel(url) as channel:
        for exchange in EXCHANGES:
            channel.exchange_declare(exchange, passive=True)
        return _state(channel)


@contextmanager
def _channel(url: str) -> Iterator[Any]:
    settings = parameters(url)
    try:
        connection = pika.BlockingConnection(settings)
        try:
            yield connection.channel()
        finally:
            if connection.is_open:
                connection.close()
    except (broken.AMQPError, OSError) as error:
        raise as_baton_error(error, place(settings)) from error


@contextmanager
def _naming(entity: str) -> Iterator[None]:
    try:
        yield
    except broken.ChannelClosedByBroker as error:
        if error.reply_code != PRECONDITION_FAILED:
            raise
        raise ConfigRefused(
            "broker-topology-differs",
            f"RabbitMQ has a {entity} with other properties: {error.reply_text}; "
            "remove it when it is empty, or give Baton a vhost of its own",
        ) from error


def _state(channel: Any) -> BrokerState:
    # pika's blocking connection keeps what the broker said of itself on the connection it wraps.
    said = getattr(getattr(channel.connection, "_impl", None), "server_properties", None) or {}
    waiting, dead = (
        channel.queue_declare(queue, passive=True).method.message_count for queue in (INBOX_QUEUE, DEAD_QUEUE)
    )
    return BrokerState(f"{said.get('product', '?')} {said.get('version', '?')}", waiting, dead)
