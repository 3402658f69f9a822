"""What the careful peer reads and writes: set-based statements of one session."""

import secrets
from collections.abc import Iterable, Sequence

import psycopg
from psycopg.types.array import ListBinaryDumper

import job
import statements
import statuses
from job import Change, Decision, InstanceID, ObjectID, Row, Stored, Stream, StreamID
from memory import Memory, Tally
from statuses import Record

OPTIONS = " ".join(f"-c {name}={value}" for name, value in statements.SESSION.items())


class Store:
    """What a batch reads and writes in the transaction that is open; a failure ends the process, memory and all."""

    def __init__(self, connection: psycopg.Connection) -> None:
        # Lists are sent as text by default, which takes many times as long.
        connection.adapters.register_dumper(list, ListBinaryDumper)
        self._cursor = psycopg.RawCursor(connection)
        self._memory = Memory()

    def forget(self) -> None:
        """Forgets what others may write from now on."""
        self._memory.forget()

    def apply(self, changes: Sequence[Change]) -> list[Record]:
        """Writes what a batch changes; returns what is to be published of it."""
        numbers_begin, time, epochs = self._clusters({change.id.cluster for change in changes})
        counting = [change for change in changes if change.position.epoch == epochs[change.id.cluster]]
        if not counting:
            return []
        self._follow(counting)
        stored = self._objects({change.id for change in counting})
        decisions = job.decide(counting, stored, numbers_begin)
        self._write(decisions)
        for decision in decisions:
            self._memory.take(decision, stored.get(decision.change.id))
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
        marks: dict[StreamID, int] = {}
        for cluster, namespace, mark, *row in self._run(statements.LOCK_STREAMS, streams):
            id = StreamID(cluster, namespace)
            streams[id], marks[id] = Stream(*row), mark
        for change in changes:
            streams[change.id.stream] = streams[change.id.stream].follow(change.position)
        mark = secrets.randbelow(2**62) + 1
        self._run(statements.ADVANCE_STREAMS, [(*id, *stream, mark) for id, stream in streams.items()])
        self._memory.follow(streams, marks, mark)

    def _objects(self, wanted: set[ObjectID]) -> dict[ObjectID, Stored]:
        """What is stored of objects: remembered, or read."""
        stored = {id: known for id in wanted if (known := self._memory.object(id))}
        ids = [id for id in wanted if id not in stored]
        if ids:
            stored |= {ids[place - 1]: Stored.of(row) for place, *row in self._run(statements.READ_OBJECTS, ids)}
        return stored

    def _write(self, decisions: Sequence[Decision]) -> None:
        rows = [decision.row for decision in decisions]
        if rows and self._run(statements.WRITE_OBJECTS, rows).rowcount < len(rows):
            raise RuntimeError("another consumer has written later positions of the same objects")

    def _roll_up(self, ids: Sequence[InstanceID]) -> list[Row]:
        """Adds up the objects of instances; returns the rows of those that changed."""
        if not ids:
            return []
        locked = self._run(statements.LOCK_INSTANCES, ids).fetchall()
        tallies = self._tallies(ids)
        sums = [(id, tuple(before), job.roll_up(tallies[ids[place - 1]].rows)) for place, id, *before in locked]
        changed = [(id, *after) for id, before, after in sums if after != before]
        return self._run(statements.UPDATE_INSTANCES, changed).fetchall() if changed else []

    def _tallies(self, wanted: Sequence[InstanceID]) -> dict[InstanceID, Tally]:
        """The objects of instances: remembered, or counted."""
        tallies = {id: known for id in wanted if (known := self._memory.tally(id))}
        ids = [id for id in wanted if id not in tallies]
        if ids:
            counted = {id: Tally() for id in ids}
            for place, *row in self._run(statements.COUNT_OBJECTS, ids):
                counted[ids[place - 1]].add(*row)
            for id, tally in counted.items():
                self._memory.note(id, tally)
            tallies |= counted
        return tallies
