"""The job as it is written with a framework: FastStream, asyncpg, one transaction a message."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Annotated, Any

import asyncpg
from faststream import Context, ContextRepo, FastStream
from faststream.confluent import KafkaBroker, KafkaMessage, TopicPartition
from faststream.middlewares import AckPolicy

import job
import program
import statements
import statuses
from job import Change, InstanceID, ObjectID, Stored, Stream
from statuses import Record

PARTITIONS = 48
# Each has a consumer of its own and takes one message at a time, so that the order within a partition is kept.
SUBSCRIBERS = int(os.environ.get("PEER_SUBSCRIBERS", "8"))

broker = KafkaBroker(
    program.setting("SLIPWAY_KAFKA_BROKERS"),
    acks="all",
    enable_idempotence=True,
    partitioner="murmur2_random",
    allow_auto_create_topics=False,
    logger=None,
    config={"queued.min.messages": 1_000_000, "queued.max.messages.kbytes": 1_048_576},
)


@dataclass
class Progress:
    """How far the peer is, and what made it end."""

    wanted: int
    consumed: int = 0
    published: int = 0
    began: float = 0
    ended: float = 0
    failure: Exception | None = None

    def begin(self) -> None:
        """Notes the time of the first message."""
        self.began = self.began or monotonic()

    def add(self, published: int) -> bool:
        """Counts a message; tells whether it was the last."""
        self.consumed += 1
        self.published += published
        self.ended = monotonic()
        return self.consumed >= self.wanted


@asynccontextmanager
async def lifespan(context: ContextRepo) -> AsyncIterator[None]:
    """Keeps the database's connections while the application runs."""
    url = program.setting("SLIPWAY_DATABASE_URL")
    size = SUBSCRIBERS
    # What a connection is started with outlives the reset before it goes back to the pool.
    async with asyncpg.create_pool(url, min_size=size, max_size=size, server_settings=statements.SESSION) as pool:
        context.set_global("pool", pool)
        yield


app = FastStream(broker, logger=None, lifespan=lifespan)
progress = Progress(int(program.setting("PEER_COUNT")))


async def on_change(
    body: dict[str, Any],
    message: KafkaMessage,
    pool: Annotated[asyncpg.Pool, Context()],
) -> None:
    """Handles one message; it is acknowledged when what it changed is committed."""
    if progress.failure:
        return  # Not acknowledged, as nothing is after a failure, so that it is read again.
    progress.begin()
    try:
        key = message.raw_message.key().decode()
        change = job.read_change(key, message.headers, body, message.body.decode())
        async with pool.acquire() as connection, connection.transaction():
            records = await apply(connection, change)
            # Before the commit: what is committed must not be without its statuses.
            for record in records:
                await publish(record)
        await message.ack()
    except Exception as error:
        progress.failure = error
        app.exit()
    else:
        if progress.add(len(records)):
            app.exit()


for first in range(SUBSCRIBERS):
    broker.subscriber(
        partitions=[TopicPartition(job.TOPIC, number) for number in range(first, PARTITIONS, SUBSCRIBERS)],
        group_id=job.GROUP,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=5,
        ack_policy=AckPolicy.MANUAL,
    )(on_change)


async def publish(record: Record) -> None:
    """Publishes a record and waits until the broker has it."""
    topic, key, headers, data = record
    await broker.publish(data, topic, key=key.encode(), headers=headers)


async def apply(connection: asyncpg.Connection, change: Change) -> list[Record]:
    """Writes what a message changes; returns what is to be published of it."""
    cluster = await connection.fetchrow(statements.READ_CLUSTER, change.id.cluster)
    if cluster is None:
        raise ValueError(f"the cluster '{change.id.cluster}' is not registered")
    numbers_begin, now, epoch = cluster
    if change.position.epoch != epoch:
        return []
    time = statuses.timestamp(now)
    await follow(connection, change)
    decisions = job.decide([change], await stored(connection, change.id), numbers_begin)
    records = []
    for decision in decisions:
        if await connection.execute(statements.WRITE_OBJECT, *decision.row) != "INSERT 0 1":
            raise RuntimeError("another consumer has written a later position of the same object")
        if decision.is_visible:
            records.append(statuses.resource_status(decision, time))
        for instance in sorted(decision.touched):
            records += await roll_up(connection, instance, time)
    return records


async def follow(connection: asyncpg.Connection, change: Change) -> None:
    """Locks the stream of a message and writes how far it was followed."""
    id = change.id.stream
    row = await connection.fetchrow(statements.LOCK_STREAM, *id)
    stream = Stream(*row) if row else Stream()
    await connection.execute(statements.ADVANCE_STREAM, *id, *stream.follow(change.position))


async def stored(connection: asyncpg.Connection, id: ObjectID) -> dict[ObjectID, Stored]:
    """What is stored of an object."""
    row = await connection.fetchrow(statements.READ_OBJECT, *id)
    return {id: Stored.of(row)} if row else {}


async def roll_up(connection: asyncpg.Connection, id: InstanceID, time: str) -> list[Record]:
    """Adds up the objects of an instance, and writes it if that changes it."""
    row = await connection.fetchrow(statements.LOCK_INSTANCE, *id)
    if row is None:
        return []
    number, *before = row
    after = job.roll_up(await connection.fetch(statements.COUNT_OBJECTS_OF_ONE, *id))
    if after == tuple(before):
        return []
    changed = await connection.fetch(statements.UPDATE_INSTANCE, number, *after)
    return [statuses.instance_status(row, time) for row in changed]


def main() -> None:
    """Runs the application until it has handled what was asked for."""
    program.end_with_parent()
    asyncio.run(app.run())
    if progress.failure:
        raise progress.failure
    if progress.consumed < progress.wanted:
        raise InterruptedError(f"it was stopped after {progress.consumed} of {progress.wanted} messages")
    seconds = progress.ended - progress.began
    print(json.dumps({"consumed": progress.consumed, "published": progress.published, "seconds": seconds}))


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        program.end(error)
