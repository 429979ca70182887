"""RabbitMQ as one transport: every end opened from one URL."""

from __future__ import annotations

from adapters.rabbitmq.inbox import RabbitInbox
from adapters.rabbitmq.link import Say, parameters, silent
from adapters.rabbitmq.publisher import RabbitEvents, RabbitFeed
from adapters.rabbitmq.topology import BrokerState, check, setup
from adapters.transport import DEAD_QUEUE, DELIVERY_LIMIT


class RabbitTransport:
    """See `adapters.transport.Transport`. `say` hears of lost connections, without any password.

    Raises: ConfigRefused when the URL is not an AMQP URL. Nothing connects until an end is opened.
    """

    def __init__(self, url: str, *, delivery_limit: int = DELIVERY_LIMIT, say: Say = silent) -> None:
        parameters(url)
        self._url, self._delivery_limit, self._say = url, delivery_limit, say

    def inbox(self) -> RabbitInbox:
        """A consumer of `baton.inbox`."""
        return RabbitInbox(self._url, say=self._say)

    def dead(self) -> RabbitInbox:
        """A consumer of `baton.dead`."""
        return RabbitInbox(self._url, queue=DEAD_QUEUE, prefetch=100, say=self._say)

    def publisher(self) -> RabbitEvents:
        """A publisher to `baton.events`."""
        return RabbitEvents(self._url, say=self._say)

    def feed(self) -> RabbitFeed:
        """A publisher to `baton.in`."""
        return RabbitFeed(self._url, say=self._say)

    def set_up(self) -> BrokerState:
        """See `adapters.rabbitmq.topology.setup`."""
        return setup(self._url, delivery_limit=self._delivery_limit)

    def check(self) -> BrokerState:
        """See `adapters.rabbitmq.topology.check`."""
        return check(self._url)
