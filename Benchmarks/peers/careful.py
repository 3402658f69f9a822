"""The job as a careful programmer writes it: batches, set-based statements, one transaction a batch."""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from time import monotonic

import orjson
import psycopg
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from psycopg.types.array import ListBinaryDumper

import job
import statements
import statuses
from job import Change, Decision, InstanceID, ObjectID, Row, Stored, Stream, StreamID
from statuses import Record

BATCH = 1000
WAIT_SECONDS = 0.05
FLUSH_SECONDS = 60


class Store:
    """What a batch reads and writes in the transaction that is open."""

    def __init__(self, connection: psycopg.Connection) -> None:
        # Lists are sent as text by default, which takes many times as long.
        connection.adapters.register_dumper(list, ListBinaryDumper)
        self._cursor = psycopg.RawCursor(connection)

    def apply(self, changes: Sequence[Change]) -> list[Record]:
        """Writes what a batch changes; returns what is to be published of it."""
        numbers_begin, time, epochs = self._clusters({change.id.cluster for change in changes})
        counting = [change for change in changes if change.position.epoch == epochs[change.id.cluster]]
        if not counting:
            return []
        self._follow(counting)
        decisions = job.decide(counting, self._objects({change.id for change in counting}), numbers_begin)
        self._write(decisions)
        visible = [decision for decision in decisions if decision.is_visible]
        touched = {instance for decision in visible for instance in decision.touched}
        records = [statuses.resource_status(decision, time) for decision in visible]
        return records + [statuses.instance_status(row, time) for row in self._roll_up(sorted(touched))]

    def _run(self, statement: str, rows: Iterable[Row]) -> psycopg.RawCursor:
        columns = [list(column) for column in zip(*rows, strict=True)]
        return self._cursor.execute(statement, columns, prepare=True)

    def _clusters(self, names: set[str]) -> tuple[int, str, dict[str, int]]:
        rows = self._run(statements.READ_CLUSTERS, [(name,) for name in names]).fetchall()
        if len(rows) < len(names):
            raise ValueError(f"not all of the clusters {sorted(names)} are registered")
        numbers_begin, now, *_ = rows[0]
        return numbers_begin, statuses.timestamp(now), {cluster: epoch for _, _, cluster, epoch in rows}

    def _follow(self, changes: Sequence[Change]) -> None:
        """Locks the streams of changes and writes how far they were followed."""
        streams = {id: Stream() for id in sorted({change.id.stream for change in changes})}
        for cluster, namespace, *row in self._run(statements.LOCK_STREAMS, streams):
            streams[StreamID(cluster, namespace)] = Stream(*row)
        for change in changes:
            streams[change.id.stream] = streams[change.id.stream].follow(change.position)
        self._run(statements.ADVANCE_STREAMS, [(*id, *stream) for id, stream in streams.items()])

    def _objects(self, wanted: set[ObjectID]) -> dict[ObjectID, Stored]:
        ids = list(wanted)
        return {ids[place - 1]: Stored.of(row) for place, *row in self._run(statements.READ_OBJECTS, ids)}

    def _write(self, decisions: Sequence[Decision]) -> None:
        rows = [decision.row for decision in decisions]
        if rows and self._run(statements.WRITE_OBJECTS, rows).rowcount < len(rows):
            raise RuntimeError("another consumer has written later positions of the same objects")

    def _roll_up(self, ids: Sequence[InstanceID]) -> list[Row]:
        """Adds up the objects of instances; returns the rows of those that changed."""
        if not ids:
            return []
        locked = self._run(statements.LOCK_INSTANCES, ids).fetchall()
        tallies = defaultdict(list)
        for place, *tally in self._run(statements.COUNT_OBJECTS, ids):
            tallies[place].append(tally)
        sums = [(id, tuple(before), job.roll_up(tallies[place])) for place, id, *before in locked]
        changed = [(id, *after) for id, before, after in sums if after != before]
        return self._run(statements.UPDATE_INSTANCES, changed).fetchall() if changed else []


class Publisher:
    """Publishes the records of a batch and waits until the broker has them."""

    def __init__(self, brokers: str) -> None:
        self._failures: list[KafkaError] = []
        self._producer = Producer(
            {
                "bootstrap.servers": brokers,
                "enable.idempotence": True,
                "acks": "all",
                "partitioner": "murmur2_random",
                "delivery.report.only.error": True,
                "on_delivery": lambda error, _: self._failures.append(error),
            }
        )

    def publish(self, records: Iterable[Record]) -> None:
        """Returns when every record is acknowledged."""
        for topic, key, headers, data in records:
            self._producer.produce(topic, orjson.dumps(data), key, headers=headers)
        left = self._producer.flush(FLUSH_SECONDS)
        if self._failures:
            raise KafkaException(self._failures[0])
        if left:
            raise TimeoutError(f"{left} statuses were not acknowledged within {FLUSH_SECONDS} s")


class Peer:
    """Takes batches from Kafka and commits what they come to, until so many messages are done."""

    def __init__(self, brokers: str, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._store = Store(connection)
        self._publisher = Publisher(brokers)
        self._consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": job.GROUP,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 5,
                "queued.min.messages": 1_000_000,
                "queued.max.messages.kbytes": 1_048_576,
            }
        )

    def run(self, count: int) -> dict[str, int | float]:
        """Handles ``count`` messages and tells what became of them."""
        self._consumer.subscribe([job.TOPIC])
        consumed = published = 0
        began = None
        while consumed < count:
            messages = self._consumer.consume(min(BATCH, count - consumed), WAIT_SECONDS)
            if not messages:
                continue
            began = began or monotonic()
            published += self._handle(messages)
            consumed += len(messages)
            # Only the last commit is waited for: what is repeated after a crash changes nothing.
            self._consumer.commit(offsets=offsets_after(messages), asynchronous=consumed < count)
        return {"consumed": consumed, "published": published, "seconds": monotonic() - began}

    def close(self) -> None:
        """Leaves the consumer group, so that nobody waits for this member."""
        self._consumer.close()

    def _handle(self, messages: Sequence[Message]) -> int:
        changes = [read(message) for message in messages]
        with self._connection.transaction():
            records = self._store.apply(changes)
            # Before the commit: what is committed must not be without its statuses.
            self._publisher.publish(records)
        return len(records)


def read(message: Message) -> Change:
    """Reads a message of Kafka."""
    if error := message.error():
        raise KafkaException(error)
    headers = {name: value.decode() for name, value in message.headers()}
    value = message.value()
    return job.read_change(message.key().decode(), headers, orjson.loads(value), value.decode())


def offsets_after(messages: Iterable[Message]) -> list[TopicPartition]:
    """The offset of the next message of each partition; named, so that nothing later is committed with it."""
    ends = {message.partition(): message.offset() + 1 for message in messages}
    return [TopicPartition(job.TOPIC, partition, offset) for partition, offset in ends.items()]


def main() -> None:
    """Runs the peer as the environment says."""
    brokers, count = job.setting("SLIPWAY_KAFKA_BROKERS"), int(job.setting("PEER_COUNT"))
    with (
        psycopg.connect(job.setting("SLIPWAY_DATABASE_URL"), autocommit=True) as connection,
        closing(Peer(brokers, connection)) as peer,
    ):
        summary = peer.run(count)
    print(json.dumps(summary))


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        sys.exit(f"The peer ended: {type(error).__name__}: {' '.join(str(error).split())}")
