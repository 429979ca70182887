"""Hears events from `baton.events` for as long as somebody watches: the queue goes with the connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pika
import pika.exceptions as broken

from adapters.rabbitmq.link import as_baton_error, parameters, place
from adapters.transport import EVENTS_EXCHANGE


class RabbitListener:
    """Events in the order in which the broker brings them. For a screen: what is not heard is not kept."""

    def __init__(self, channel: Any, where: str, routing_key: str) -> None:
        self._channel, self._where = channel, where
        self._queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(self._queue, EVENTS_EXCHANGE, routing_key)

    def next(self, seconds: float) -> bytes | None:
        """The next event's body; None when none came in time.

        Raises:
            Unavailable: the connection was lost.
        """
        try:
            for _method, _properties, body in self._channel.consume(
                self._queue, auto_ack=True, inactivity_timeout=seconds
            ):
                return body if body is None else bytes(body)
        except (broken.AMQPError, OSError) as error:
            raise as_baton_error(error, self._where) from error
        return None


@contextmanager
def listening(url: str, routing_key: str = "#") -> Iterator[RabbitListener]:
    """Listens from now on until the end of the block.

    Raises:
        ConfigRefused: the exchange does not exist (run `baton broker setup`), or the URL is wrong.
        Unavailable: the broker does not answer.
    """
    settings = parameters(url)
    try:
        connection = pika.BlockingConnection(settings)
    except (broken.AMQPError, OSError) as error:
        raise as_baton_error(error, place(settings)) from error
    try:
        try:
            listener = RabbitListener(connection.channel(), place(settings), routing_key)
        except (broken.AMQPError, OSError) as error:
            raise as_baton_error(error, place(settings)) from error
        yield listener
    finally:
        if connection.is_open:
            connection.close()
