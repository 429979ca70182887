"""Private RabbitMQ and PostgreSQL nodes for the demo, the benchmarks and the tests: loopback only, standard
library only, one directory each, ended by process id."""

from adapters.nodes.postgres_node import PostgresNode
from adapters.nodes.rabbitmq_node import RabbitNode

__all__ = ["PostgresNode", "RabbitNode"]
