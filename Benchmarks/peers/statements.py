"""The SQL of the job, as Slipway has it: each statement once for a batch, as arrays, and once for one message.

The placeholders are PostgreSQL's own, which both drivers understand.
"""

# Those of Slipway's sessions (KeyedSession.swift). Statements are prepared while the tables are empty, and the server
# keeps such a plan: with these it reaches rows by their keys from the beginning, and is made once.
SESSION = {
    "enable_seqscan": "off",
    "jit": "off",
    "random_page_cost": "1.1",
    "plan_cache_mode": "force_generic_plan",
}

_STREAM = "s.epoch, s.sequence, s.gaps, s.unbroken_since"
_OBJECT = """r.epoch, r.sequence, r.revision, r.gone, r.api_version, r.uid, r.instance, r.generation,
    r.observed_generation, r.health, r.health_reason, r.command_generation"""
_INSTANCE = "i.id, i.health, i.health_reason, i.objects"
_TEXT = "r.kind || ' ' || r.name || coalesce(': ' || r.health_reason, '')"


def _write_objects(rows: str) -> str:
    """Fenced: a row whose stored position is not lower than the new one is left as it is."""
    return f"""
        insert into resource as r
            (cluster, namespace, kind, name, epoch, sequence, api_version, uid, instance, generation,
            observed_generation, health, health_reason, command_generation, resource_version, object, revision,
            changed_at, status_at)
        {rows}
        on conflict (cluster, namespace, kind, name) do update
        set api_version = excluded.api_version, uid = excluded.uid, instance = excluded.instance,
            epoch = excluded.epoch, sequence = excluded.sequence, generation = excluded.generation,
            observed_generation = excluded.observed_generation, resource_version = excluded.resource_version,
            health = excluded.health, health_reason = excluded.health_reason, gone = false,
            revision = excluded.revision, ready = null, failing_code = null, failing_reason = null,
            command_generation = excluded.command_generation, object = excluded.object,
            changed_at = excluded.changed_at,
            status_at = case when r.revision = excluded.revision then r.status_at else excluded.status_at end
        where (r.epoch, r.sequence) < (excluded.epoch, excluded.sequence)
    """


def _advance_streams(rows: str) -> str:
    return f"""
        insert into resource_stream as s (cluster, namespace, epoch, sequence, gaps, unbroken_since, mark, changed_at)
        {rows}
        on conflict (cluster, namespace) do update
        set epoch = excluded.epoch, sequence = excluded.sequence, gaps = excluded.gaps,
            unbroken_since = excluded.unbroken_since, mark = excluded.mark, changed_at = excluded.changed_at
        where (s.epoch, s.sequence) <= (excluded.epoch, excluded.sequence)
    """


def _update_instances(rows: str) -> str:
    return f"""
        update instance i
        set health = new.health, health_reason = new.health_reason, objects = new.objects,
            revision = i.revision + 1, changed_at = now(), changed_by = 'peer'
        from ({rows}) as new(id, health, health_reason, objects), environment e
        where i.id = new.id and e.id = i.environment_id
        returning e.project, e.environment, i.instance, i.application, i.desired_version, i.running_version,
            i.state, i.health, i.health_reason, i.generation, i.open_command::text, i.revision, i.pods_ready,
            i.pods_total, i.reason_code, i.reason
    """


# For a batch. Streams and instances are locked in one order; the streams guard the objects below them. Objects are
# looked up one key after the other: a join could as well read the whole index of a table that was empty when the
# statement was planned.

READ_CLUSTERS = "select numbers_begin(), now(), cluster, epoch from cluster where cluster = any($1::text[])"
LOCK_STREAMS = f"""
    select s.cluster, s.namespace, s.mark, {_STREAM}
    from resource_stream s
    join unnest($1::text[], $2::text[]) as wanted(cluster, namespace)
        on s.cluster = wanted.cluster and s.namespace = wanted.namespace
    order by s.cluster, s.namespace
    for no key update of s
"""
READ_OBJECTS = f"""
    select wanted.place, {_OBJECT}
    from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality
        as wanted(cluster, namespace, kind, name, place)
    cross join lateral (
        select * from resource
        where resource.cluster = wanted.cluster and resource.namespace = wanted.namespace
            and resource.kind = wanted.kind and resource.name = wanted.name
        limit 1
    ) r
"""
WRITE_OBJECTS = _write_objects(
    """select unnest($1::text[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), unnest($5::bigint[]),
        unnest($6::bigint[]), unnest($7::text[]), unnest($8::text[]), unnest($9::text[]), unnest($10::bigint[]),
        unnest($11::bigint[]), unnest($12::text[]), unnest($13::text[]), unnest($14::bigint[]), unnest($15::text[]),
        unnest($16::json[]), unnest($17::bigint[]), now(), now()"""
)
ADVANCE_STREAMS = _advance_streams(
    """select unnest($1::text[]), unnest($2::text[]), unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::bigint[]),
        unnest($6::bigint[]), unnest($7::bigint[]), now()"""
)
LOCK_INSTANCES = f"""
    select wanted.place, {_INSTANCE}
    from unnest($1::text[], $2::text[], $3::text[]) with ordinality
        as wanted(cluster, namespace, instance, place)
    join instance i on i.cluster = wanted.cluster and i.namespace = wanted.namespace
        and i.instance = wanted.instance and i.state <> 'deleted'
    order by i.id
    for no key update of i
"""
# A statement of its own behind the lock, so that it sees what the lock waited for. Healthy objects have no text: an
# instance has one row for all of them, and one for each other text.
COUNT_OBJECTS = f"""
    select wanted.place, r.health, case when r.health <> 'healthy' then {_TEXT} else '' end, count(*)
    from unnest($1::text[], $2::text[], $3::text[]) with ordinality
        as wanted(cluster, namespace, instance, place)
    cross join lateral (
        select * from resource
        where resource.cluster = wanted.cluster and resource.namespace = wanted.namespace
            and resource.instance = wanted.instance and not resource.gone
        offset 0
    ) r
    group by 1, 2, 3
"""
UPDATE_INSTANCES = _update_instances(
    "select unnest($1::bigint[]), unnest($2::text[]), unnest($3::text[]), unnest($4::int[])"
)

# For one message: without joins. Who remembers nothing leaves 0 for a mark.

READ_CLUSTER = "select numbers_begin(), now(), epoch from cluster where cluster = $1"
LOCK_STREAM = f"""
    select {_STREAM} from resource_stream s where s.cluster = $1 and s.namespace = $2 for no key update
"""
READ_OBJECT = f"""
    select {_OBJECT} from resource r
    where r.cluster = $1 and r.namespace = $2 and r.kind = $3 and r.name = $4
"""
WRITE_OBJECT = _write_objects(
    "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, now(), now())"
)
ADVANCE_STREAM = _advance_streams("values ($1, $2, $3, $4, $5, $6, 0, now())")
LOCK_INSTANCE = f"""
    select {_INSTANCE} from instance i
    where i.cluster = $1 and i.namespace = $2 and i.instance = $3 and i.state <> 'deleted'
    for no key update
"""
COUNT_OBJECTS_OF_ONE = f"""
    select r.health, count(*), min(({_TEXT}) collate "C") filter (where r.health <> 'healthy')
    from resource r
    where r.cluster = $1 and r.namespace = $2 and r.instance = $3 and not r.gone
    group by r.health
"""
UPDATE_INSTANCE = _update_instances("values ($1::bigint, $2::text, $3::text, $4::int)")
