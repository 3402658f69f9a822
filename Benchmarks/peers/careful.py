"""The job as a careful programmer writes it: batches, set-based statements, one transaction a batch, and a memory.

As many processes as ``PEER_PROCESSES`` says share the partitions: consumers of one group, each with its own session.
"""

import gc
import json
import multiprocessing
import multiprocessing.connection
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier
from time import monotonic
from typing import NamedTuple

import orjson
import psycopg
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

import job
import program
import store
from job import Change
from statuses import Record

BATCH = 1000
WAIT_SECONDS = 0.02
FLUSH_SECONDS = 60
# How long the processes of a peer wait for each other at the beginning and at the end.
TOGETHER_SECONDS = 60


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


class Summary(NamedTuple):
    """What one process did, from its first message to its last commit."""

    consumed: int
    published: int
    began: float
    ended: float


class Peer:
    """Takes batches from Kafka and commits what they come to, until nothing is left to do."""

    def __init__(self, brokers: str, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._store = store.Store(connection)
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
        # The next message of each partition, where the broker is not known to have it.
        self._ends: dict[int, int] = {}

    def run(self, left: Synchronized) -> Summary:
        """Handles messages until all processes together have done those that were ``left``."""
        self._consumer.subscribe([job.TOPIC], on_revoke=self._hand_over, on_lost=self._lose)
        consumed = published = 0
        began = ended = monotonic()
        while (wanted := min(BATCH, left.value)) > 0:
            messages = self._consumer.consume(wanted, WAIT_SECONDS)
            if not messages:
                continue
            began = began if consumed else monotonic()
            published += self._handle(messages)
            consumed += len(messages)
            with left.get_lock():
                left.value -= len(messages)
            # Only the last commit is waited for: what is repeated after a crash changes nothing.
            self._commit(ends_of(messages), is_last=left.value <= 0)
            ended = monotonic()
        self._commit({}, is_last=True)
        return Summary(consumed, published, began, ended)

    def close(self) -> None:
        """Leaves the consumer group, so that nobody waits for this member."""
        # Nothing is left here but after a failure, when the broker may not answer either.
        self._ends.clear()
        self._consumer.close()

    def _handle(self, messages: Sequence[Message]) -> int:
        changes = [read(message) for message in messages]
        with self._connection.transaction():
            records = self._store.apply(changes)
            # Before the commit: what is committed must not be without its statuses.
            self._publisher.publish(records)
        return len(records)

    def _commit(self, ends: Mapping[int, int], is_last: bool) -> None:
        """Commits offsets; named, so that nothing later is committed with them."""
        self._ends |= ends
        if is_last:
            ends = dict(self._ends)
            self._ends.clear()
        if ends:
            offsets = [TopicPartition(job.TOPIC, partition, offset) for partition, offset in ends.items()]
            self._consumer.commit(offsets=offsets, asynchronous=not is_last)

    def _hand_over(self, *_: object) -> None:
        """Before others get the partitions, which begin where these were left."""
        self._store.forget()
        self._commit({}, is_last=True)

    def _lose(self, *_: object) -> None:
        """Others have got the partitions already."""
        self._store.forget()
        self._ends.clear()


def read(message: Message) -> Change:
    """Reads a message of Kafka."""
    if error := message.error():
        raise KafkaException(error)
    headers = {name: value.decode() for name, value in message.headers()}
    value = message.value()
    return job.read_change(message.key().decode(), headers, orjson.loads(value), value.decode())


def ends_of(messages: Iterable[Message]) -> dict[int, int]:
    """The offset of the next message of each partition."""
    return {message.partition(): message.offset() + 1 for message in messages}


def work(brokers: str, url: str, left: Synchronized, together: Barrier, summaries: SimpleQueue) -> None:
    """What one process does."""
    program.end_with_parent()
    # What is remembered is many objects and no cycles: the collector need not look at them again and again.
    gc.set_threshold(100_000)
    try:
        with (
            psycopg.connect(url, autocommit=True, options=store.OPTIONS) as connection,
            closing(Peer(brokers, connection)) as peer,
        ):
            # Who joins the group or leaves it later than the others has its partitions dealt out anew.
            together.wait(TOGETHER_SECONDS)
            summary = peer.run(left)
            together.wait(TOGETHER_SECONDS)
        summaries.put(summary)
    except Exception as error:
        program.end(error)


def wait_for(workers: Sequence[BaseProcess]) -> None:
    """Waits until all processes have ended; the first that fails ends this one, and that the others."""
    running = list(workers)
    while running:
        multiprocessing.connection.wait([worker.sentinel for worker in running])
        if code := next((worker.exitcode for worker in running if worker.exitcode), 0):
            sys.exit(f"The peer ended: one of its processes ended with {code}.")
        running = [worker for worker in running if worker.exitcode is None]


def main() -> None:
    """Runs the peer as the environment says."""
    brokers, url = program.setting("SLIPWAY_KAFKA_BROKERS"), program.setting("SLIPWAY_DATABASE_URL")
    count, processes = int(program.setting("PEER_COUNT")), int(os.environ.get("PEER_PROCESSES", "1"))
    program.end_with_parent()
    context = multiprocessing.get_context("spawn")  # The Kafka client's threads do not outlive a fork.
    left, together, summaries = context.Value("q", count), context.Barrier(processes), context.SimpleQueue()
    arguments = (brokers, url, left, together, summaries)
    workers = [context.Process(target=work, args=arguments, daemon=True) for _ in range(processes)]
    for worker in workers:
        worker.start()
    wait_for(workers)
    done = [summary for summary in (summaries.get() for _ in workers) if summary.consumed]
    seconds = max(summary.ended for summary in done) - min(summary.began for summary in done)
    totals = {name: sum(getattr(summary, name) for summary in done) for name in ("consumed", "published")}
    print(json.dumps(totals | {"seconds": seconds}))


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        program.end(error)
