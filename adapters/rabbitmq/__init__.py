"""The RabbitMQ door: deliveries in, confirmed events out, and the topology they need. Home of pika."""

from adapters.rabbitmq.inbox import RabbitInbox
from adapters.rabbitmq.publisher import RabbitEvents, RabbitFeed
from adapters.rabbitmq.topology import BrokerState, check, setup
from adapters.rabbitmq.transport import RabbitTransport

__all__ = ["BrokerState", "RabbitEvents", "RabbitFeed", "RabbitInbox", "RabbitTransport", "check", "setup"]
