"""What the job publishes: the newest state of objects and instances, as CloudEvents in binary mode."""

from datetime import datetime, timezone
from typing import NamedTuple

from job import Decision, Document, Row

SOURCE = "/slipway/peer"
INSTANCE_MEMBERS = (
    "project", "environment", "instance", "application", "desiredVersion", "runningVersion", "state", "health",
    "healthReason", "generation", "command", "revision",
)  # fmt: skip


class Record(NamedTuple):
    """A message that is to be published."""

    topic: str
    key: str
    headers: dict[str, str]
    data: Document


def timestamp(time: datetime) -> str:
    """A time as CloudEvents write it."""
    return time.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def resource_status(decision: Decision, time: str) -> Record:
    """The newest state of an object."""
    id, look = decision.change.id, decision.change.look
    data = id._asdict() | {
        "apiVersion": look.api_version,
        "uid": look.uid,
        "instance": look.instance,
        "generation": look.generation,
        "observedGeneration": look.observed_generation,
        "health": look.health,
        "healthReason": look.health_reason,
        "revision": decision.revision,
    }
    if look.observed_generation is None:
        del data["observedGeneration"]
    return _record("resource.status", "/".join(id), data, time)


def instance_status(row: Row, time: str) -> Record:
    """The newest state of an instance, from a row of ``UPDATE_INSTANCES``."""
    *members, ready, total, code, sentence = row
    data = dict(zip(INSTANCE_MEMBERS, members, strict=True)) | {
        "pods": {"ready": ready, "total": total},
        "reason": {"code": code, "message": sentence} if code else None,
        "time": time,
    }
    return _record("instance.status", "/".join(members[:3]), data, time)


def _record(topic: str, key: str, data: Document, time: str) -> Record:
    headers = {
        "ce_specversion": "1.0",
        "ce_id": f"{key}@{data['revision']}",
        "ce_source": SOURCE,
        "ce_type": f"slipway.{topic}.v1",
        "ce_time": time,
        "content-type": "application/json",
        "ce_subject": key,
        "ce_revision": str(data["revision"]),
    }
    return Record(f"slipway.{topic}", key, headers, data)
