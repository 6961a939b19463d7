"""Hook for Kafka topics, offsets and clients.

Connection `kafka_default`, type kafka: extra is librdkafka's configuration
(`{"bootstrap.servers": "host:port", …}`), as the Kafka provider reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from headrace.errors import SystemRefused
from headrace.systems.endpoint import Endpoint
from headrace.systems.retry import Backoff, Transient, persist

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Producer
    from confluent_kafka.admin import AdminClient

T = TypeVar("T")

READING: Final[Mapping[str, Any]] = {
    "group.id": "headrace",
    "isolation.level": "read_committed",
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "auto.offset.reset": "earliest",
    "fetch.message.max.bytes": 4 << 20,
    "fetch.queue.backoff.ms": 10,
    "queued.max.messages.kbytes": 64 << 10,
}
NEXT_STEP: Final = "Sources keep their changes and sinks their offsets; both continue when it answers."


class Topic(NamedTuple):
    """A topic on the broker."""

    name: str
    partitions: int
    config: Mapping[str, str]
    """All settings in force, defaults included."""


class KafkaHook:
    """Hook that creates, inspects and alters topics, and creates consumers and producers."""

    default_conn_name = "kafka_default"

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout_s: float = 10.0,
        backoff: Backoff | None = None,
        admin: Callable[[], AdminClient] | None = None,
    ) -> None:
        self.config: dict[str, Any] = {
            "bootstrap.servers": f"{endpoint.host}:{endpoint.port}",
            **endpoint.extra,
        }
        self.timeout_s = timeout_s
        self._backoff = backoff or Backoff(tries=2)
        self._new_admin = admin
        self._login_error = ""

    @classmethod
    def from_connection(cls, conn_id: str = default_conn_name) -> KafkaHook:
        """Create the hook from an Airflow connection."""
        return cls(Endpoint.from_connection(conn_id))

    @property
    def address(self) -> str:
        """Return the bootstrap servers."""
        return str(self.config["bootstrap.servers"])

    @cached_property
    def admin(self) -> AdminClient:
        """Return the admin client, created at first use."""
        if self._new_admin:
            return self._new_admin()
        client: AdminClient = admin_api().AdminClient(self._quiet(self.config))
        return client

    def consumer(self, **config: Any) -> Consumer:
        """Create a read_committed consumer that commits no offsets. The caller closes it."""
        from confluent_kafka import Consumer

        return Consumer(self._quiet({**self.config, **READING, **config}))

    def producer(self, **config: Any) -> Producer:
        """Create an idempotent producer. The caller flushes it."""
        from confluent_kafka import Producer

        return Producer(self._quiet({**self.config, "enable.idempotence": True, "compression.type": "lz4", **config}))

    def partitions(self) -> dict[str, int]:
        """Return topic → number of partitions, of all topics."""
        metadata = self.call(lambda: self.admin.list_topics(timeout=self.timeout_s))
        return {name: len(topic.partitions) for name, topic in metadata.topics.items()}

    def partitions_of(self, name: str) -> int:
        """Return the number of partitions of a topic that exists.

        Retries while the broker does not list the topic yet: a new topic reaches it after the controller.
        """

        def listed() -> int:
            try:
                return self.partitions()[name]
            except KeyError:
                raise Transient(f"topic {name} exists, but the broker does not list it yet") from None

        return self.call(listed)

    def topics(self, names: Iterable[str]) -> tuple[Topic, ...]:
        """Return the named topics that exist, with their configuration, by name."""
        api = admin_api()
        partitions = self.partitions()
        present = sorted(set(names) & partitions.keys())
        if not present:
            return ()
        resources = [api.ConfigResource(api.ResourceType.TOPIC, name) for name in present]

        def described() -> dict[str, dict[str, str]]:
            futures = self.admin.describe_configs(resources, request_timeout=self.timeout_s)
            return {
                resource.name: {key: str(entry.value) for key, entry in future.result().items()}
                for resource, future in futures.items()
            }

        configs = self.call(described)
        return tuple(Topic(name, partitions[name], configs[name]) for name in present)

    def create(self, name: str, partitions: int, config: Mapping[str, str] | None = None) -> bool:
        """Create the topic with the cluster's replication factor; return False if it exists."""
        from confluent_kafka import KafkaError

        topic = admin_api().NewTopic(name, num_partitions=partitions, config=dict(config or {}))

        def created() -> bool:
            future = self.admin.create_topics([topic], request_timeout=self.timeout_s)[name]
            return _unless(KafkaError.TOPIC_ALREADY_EXISTS, future.result)

        return self.call(created)

    def delete(self, name: str) -> bool:
        """Delete the topic and its records; return False if there is none."""
        from confluent_kafka import KafkaError

        def deleted() -> bool:
            future = self.admin.delete_topics([name], request_timeout=self.timeout_s)[name]
            return _unless(KafkaError.UNKNOWN_TOPIC_OR_PART, future.result)

        return self.call(deleted)

    def alter_config(self, name: str, config: Mapping[str, str]) -> None:
        """Set these settings of the topic; the others stay."""
        api = admin_api()
        entries = [
            api.ConfigEntry(key, value, incremental_operation=api.AlterConfigOpType.SET)
            for key, value in config.items()
        ]
        resource = api.ConfigResource(api.ResourceType.TOPIC, name, incremental_configs=entries)

        def altered() -> None:
            futures = self.admin.incremental_alter_configs([resource], request_timeout=self.timeout_s)
            futures[resource].result()

        self.call(altered)

    def begin_offsets(self, name: str) -> dict[int, int]:
        """Return by partition the offset of the first record that the topic still has."""
        return self._offsets(name, admin_api().OffsetSpec.earliest())

    def end_offsets(self, name: str) -> dict[int, int]:
        """Return by partition the offset after the last record visible to a read_committed reader."""
        return self._offsets(name, admin_api().OffsetSpec.latest())

    def _offsets(self, name: str, place: Any) -> dict[int, int]:
        from confluent_kafka import IsolationLevel, TopicPartition

        count = self.partitions().get(name, 0)
        places = {TopicPartition(name, number): place for number in range(count)}
        if not places:
            return {}

        def listed() -> dict[int, int]:
            futures = self.admin.list_offsets(
                places,
                isolation_level=IsolationLevel.READ_COMMITTED,
                request_timeout=self.timeout_s,
            )
            return {place.partition: future.result().offset for place, future in futures.items()}

        return self.call(listed)

    def call(self, once: Callable[[], T]) -> T:
        """Run the call with retries; raise the cluster's errors as Headrace's.

        Raises:
            SystemUnavailable: no broker answers.
            SystemRefused: the broker refuses the call or the login.
        """

        def tried() -> T:
            from confluent_kafka import KafkaException

            self._login_error = ""
            try:
                return once()
            except KafkaException as error:
                cause = error.args[0]
                if cause.retriable() or cause.code() in _no_answer():
                    self.admin.poll(0)  # only `error_cb` gets a failed login, and this poll calls it
                    if self._login_error:
                        raise SystemRefused("kafka", self.address, self._login_error) from error
                    raise Transient(cause.str()) from error
                raise SystemRefused("kafka", self.address, cause.str()) from error

        return persist(
            tried,
            system="kafka",
            address=self.address,
            next_step=NEXT_STEP,
            backoff=self._backoff,
        )

    def _quiet(self, config: Mapping[str, Any]) -> dict[str, Any]:
        # librdkafka writes refused connections to stderr, although the caller gets the error.
        return {"log_level": 2, "error_cb": self._on_error, **config}

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == error._AUTHENTICATION:
            self._login_error = error.str()


def admin_api() -> Any:
    """Return confluent_kafka.admin, untyped because it does not declare its exported names."""
    import confluent_kafka.admin

    return confluent_kafka.admin


@cache
def _no_answer() -> frozenset[int]:
    """Return librdkafka's own error codes for a cluster that does not answer."""
    from confluent_kafka import KafkaError as K

    return frozenset({K._TRANSPORT, K._ALL_BROKERS_DOWN, K._TIMED_OUT, K._RESOLVE, K._TIMED_OUT_QUEUE})


def _unless(code: int, result: Callable[[], Any]) -> bool:
    """Return True if the call succeeds, False if it fails with that code."""
    from confluent_kafka import KafkaException

    try:
        result()
    except KafkaException as error:
        if error.args[0].code() == code:
            return False
        raise
    return True
