"""What the careful peer remembers of the streams it follows, so that it need not read what it has written itself.

Each transaction leaves a mark that nobody else draws in the locked rows of its streams, as Slipway's do. What is
remembered of a stream holds as long as its row has the mark that was left last.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import job
from job import Decision, InstanceID, Look, ObjectID, Row, Stored, StreamID

# About a kilobyte each.
MOST_OBJECTS = 100_000


class Tally:
    """The objects of an instance: by health, how many of them say what."""

    def __init__(self) -> None:
        self._texts: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, health: str, text: str, count: int) -> None:
        """Adds objects; takes them away where their count is negative."""
        texts = self._texts[health]
        texts[text] += count
        if not texts[text]:
            del texts[text]
        if not texts:
            del self._texts[health]

    @property
    def rows(self) -> Sequence[Row]:
        """The rows that an instance is rolled up from. Texts are in the order of their bytes, as PostgreSQL's "C"."""
        return [(health, texts.total(), min(texts) or None) for health, texts in self._texts.items()]


@dataclass(slots=True)
class _Known:
    """What is remembered of a stream."""

    mark: int
    objects: dict[ObjectID, Stored] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)

    def add(self, id: ObjectID, look: Look, count: int) -> None:
        """Adds an object to the sum of its instance, if that is remembered."""
        if tally := self.tallies.get(look.instance):
            tally.add(look.health, job.text_of(id, look), count)


class Memory:
    """The objects of streams and the sums of their instances."""

    def __init__(self) -> None:
        self._streams: dict[StreamID, _Known] = {}

    def follow(self, streams: Iterable[StreamID], marks: Mapping[StreamID, int], mark: int) -> None:
        """Forgets streams in which somebody else has written.

        ``marks`` are those of the rows that are there and locked: of others nothing is remembered. ``mark`` is the one
        that this transaction leaves in them.
        """
        if sum(len(known.objects) for known in self._streams.values()) > MOST_OBJECTS:
            self.forget()
        for id in streams:
            known = self._streams.pop(id, None)
            if id in marks:
                self._streams[id] = known if known and known.mark == marks[id] else _Known(mark)
                self._streams[id].mark = mark

    def forget(self) -> None:
        """Forgets everything."""
        self._streams.clear()

    def object(self, id: ObjectID) -> Stored | None:
        """What is stored of an object; nothing where that is to be read."""
        known = self._streams.get(id.stream)
        return known and known.objects.get(id)

    def take(self, decision: Decision, before: Stored | None) -> None:
        """Takes in what is written of an object."""
        id, position, look, _, _ = decision.change
        known = self._streams.get(id.stream)
        if known is None:
            return
        known.objects[id] = Stored(position, decision.revision, False, look)
        if not decision.is_visible:
            return
        if before and not before.gone:
            known.add(id, before.look, -1)
        known.add(id, look, 1)

    def tally(self, id: InstanceID) -> Tally | None:
        """The objects of an instance; nothing where they are to be counted."""
        known = self._streams.get(StreamID(id.cluster, id.namespace))
        return known and known.tallies.get(id.instance)

    def note(self, id: InstanceID, tally: Tally) -> None:
        """Remembers what was counted after the batch's objects were written."""
        if known := self._streams.get(StreamID(id.cluster, id.namespace)):
            known.tallies[id.instance] = tally
