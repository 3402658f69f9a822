"""The rules of the resource worker's job: how messages are read and judged, and what is to be written.

Both peers import it. It is pure: nothing here talks to Kafka or to the database.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

TOPIC = "slipway.resource.changes"
GROUP = "peer"
CHANGED = "slipway.resource.changed.v1"
HOOK_FINALIZER = "argocd.argoproj.io/hook-finalizer"
WORST_LAST = ("healthy", "suspended", "progressing", "missing", "degraded", "unknown")

Document = dict[str, Any]
Row = Sequence[Any]


class StreamID(NamedTuple):
    """The numbered stream of one cluster and namespace: the key of the messages."""

    cluster: str
    namespace: str


class ObjectID(NamedTuple):
    """The identity of an object."""

    cluster: str
    namespace: str
    kind: str
    name: str

    @property
    def stream(self) -> StreamID:
        """The stream that tells of the object."""
        return StreamID(self.cluster, self.namespace)


class InstanceID(NamedTuple):
    """An instance, named as its objects name it."""

    cluster: str
    namespace: str
    instance: str


class Position(NamedTuple):
    """A place in a stream; messages are ordered by it and by nothing else."""

    epoch: int
    sequence: int


class Health(NamedTuple):
    """How something is doing, and why, for people."""

    health: str
    reason: str | None = None


class Look(NamedTuple):
    """What followers of an object's status can see of it."""

    api_version: str
    uid: str
    instance: str | None
    generation: int
    observed_generation: int | None
    health: str
    health_reason: str | None
    command_generation: int | None


class Change(NamedTuple):
    """An object as a message shows it."""

    id: ObjectID
    position: Position
    look: Look
    resource_version: str | None
    body: str


class Stored(NamedTuple):
    """What is stored of an object."""

    position: Position
    revision: int
    gone: bool
    look: Look

    @classmethod
    def of(cls, row: Row) -> "Stored":
        """Reads the columns that ``READ_OBJECT`` names."""
        epoch, sequence, revision, gone, *look = row
        return cls(Position(epoch, sequence), revision, gone, Look(*look))


class Stream(NamedTuple):
    """How far a stream was followed, how often numbers were missing, and since when none is."""

    epoch: int = 0
    sequence: int = 0
    gaps: int = 0
    unbroken_since: int = 1

    def follow(self, position: Position) -> "Stream":
        """The stream after a message; one that was followed before changes nothing."""
        if position <= (self.epoch, self.sequence):
            return self
        is_new_epoch = position.epoch > self.epoch
        if position.sequence > (1 if is_new_epoch else self.sequence + 1):
            return Stream(*position, self.gaps + 1, position.sequence)
        return Stream(*position, self.gaps, 1 if is_new_epoch else self.unbroken_since)


class Decision(NamedTuple):
    """An object that is to be written."""

    change: Change
    revision: int
    is_visible: bool
    touched: frozenset[InstanceID]

    @property
    def row(self) -> Row:
        """The values of ``WRITE_OBJECT``, in their order."""
        id, position, look, resource_version, body = self.change
        return *id, *position, *look, resource_version, body, self.revision


def read_change(key: str, headers: Mapping[str, str], document: Document, body: str) -> Change:
    """Reads a message; raises an error for what the peers do not handle."""
    stream = StreamID(*key.split("/"))
    metadata, kind, api_version = document["metadata"], document["kind"], document["apiVersion"]
    if headers["ce_type"] != CHANGED or kind != "Deployment" or not api_version.startswith("apps/"):
        raise ValueError(f"only changes of Deployments are read, not '{headers['ce_type']}' of a '{kind}'")
    if metadata["namespace"] != stream.namespace:
        raise ValueError(f"the namespace is '{metadata['namespace']}' and the key says '{key}'")
    generation = (metadata.get("labels") or {}).get("slipway.io/generation", "")
    look = Look(
        api_version,
        metadata["uid"],
        headers.get("ce_instance") or None,
        metadata.get("generation", 0),
        (document.get("status") or {}).get("observedGeneration"),
        *deployment_health(document),
        int(generation) if generation.isdecimal() else None,
    )
    position = Position(int(headers["ce_epoch"]), int(headers["ce_sequence"]))
    return Change(ObjectID(*stream, kind, metadata["name"]), position, look, metadata.get("resourceVersion"), body)


def deployment_health(document: Document) -> Health:
    """The health of a Deployment: Argo CD's rules in their order, the first that fits decides."""
    metadata, spec, status = document["metadata"], document.get("spec") or {}, document.get("status") or {}
    if metadata.get("deletionTimestamp") and HOOK_FINALIZER not in metadata.get("finalizers", ()):
        return Health("progressing", "Pending deletion")
    if spec.get("paused"):
        return Health("suspended", "The rollout is paused")
    if metadata.get("generation", 0) > status.get("observedGeneration", 0):
        return Health("progressing", "Waiting until the new specification is observed")
    conditions = status.get("conditions") or ()
    progressing = next((condition for condition in conditions if condition.get("type") == "Progressing"), {})
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Health("degraded", "The rollout exceeded its progress deadline")
    return _replica_health(spec.get("replicas"), status)


def _replica_health(wanted: int | None, status: Document) -> Health:
    updated, existing = status.get("updatedReplicas", 0), status.get("replicas", 0)
    available = status.get("availableReplicas", 0)
    if wanted is not None and updated < wanted:
        return Health("progressing", f"{updated} of {wanted} replicas are updated")
    if existing > updated:
        return Health("progressing", f"{existing - updated} old replicas are still to end")
    if available < updated:
        return Health("progressing", f"{available} of {updated} updated replicas are available")
    return Health("healthy")


def decide(changes: Iterable[Change], stored: Mapping[ObjectID, Stored], numbers_begin: int) -> list[Decision]:
    """What is to be written of changes in their order: of each object the latest, unless a later one is stored."""
    latest: dict[ObjectID, Change] = {}
    for change in changes:
        known = latest.get(change.id) or stored.get(change.id)
        if known is None or change.position > known.position:
            latest[change.id] = change
    return [_decision(change, stored.get(id), numbers_begin) for id, change in latest.items()]


def _decision(change: Change, before: Stored | None, numbers_begin: int) -> Decision:
    revision = before.revision if before else 0
    if before and not before.gone and before.look == change.look:
        return Decision(change, revision, False, frozenset())
    names = {change.look.instance, before.look.instance if before else None} - {None}
    touched = frozenset(InstanceID(*change.id.stream, name) for name in names)
    return Decision(change, max(revision, numbers_begin) + 1, True, touched)


def roll_up(tallies: Sequence[Row]) -> tuple[str, str | None, int]:
    """An instance's health, its reason and its number of objects, from rows of (health, objects, example)."""
    if not tallies:
        return "missing", "No object of the instance is known", 0
    health, _, example = max(tallies, key=lambda tally: WORST_LAST.index(tally[0]))
    return health, example, sum(objects for _, objects, _ in tallies)


def text_of(id: ObjectID, look: Look) -> str:
    """What an object's instance says of it, for people; nothing where it is healthy."""
    if look.health == "healthy":
        return ""
    return f"{id.kind} {id.name}" if look.health_reason is None else f"{id.kind} {id.name}: {look.health_reason}"
