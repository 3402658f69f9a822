-- What was deployed: one row for each command that changed version or values, for rollbacks and for people.
create table deployment (
    instance_id bigint not null references instance,
    generation bigint not null,
    command uuid not null references command,
    operation text not null,
    version text not null,
    -- The whole desired state: the values as they were asked for, and merged over the version's.
    desired jsonb not null,
    -- What differs from the values of the deployment before, path by path, without anything confidential.
    diff jsonb not null default '[]',
    caller text not null,
    created_at timestamptz not null,
    -- How the command ended; none while it is open.
    outcome text,
    reason_code text,
    reason text,
    ended_at timestamptz,
    primary key (instance_id, generation)
);

-- Stages of releases: the Jobs that helm runs as hooks, and what they wrote.
create table stage (
    command uuid not null references command,
    name text not null,
    -- Known once the agent has told of the stage; its output may come before.
    kind text,
    weight int,
    state text check (state in ('running', 'succeeded', 'failed')),
    started_at timestamptz,
    ended_at timestamptz,
    output text,
    truncated boolean not null default false,
    -- Which boot of the agent said so, and when among what it said: an older word that comes late changes nothing.
    output_epoch bigint not null default 0,
    output_sequence bigint not null default 0,
    -- When the newest word came: what is old is forgotten by it.
    output_at timestamptz,
    primary key (command, name)
);
create index stage_output_age on stage (output_at) where output is not null;

-- The newest Kubernetes Events of each instance, and of what belongs to none, for people.
create table cluster_event (
    cluster text not null references cluster,
    namespace text not null,
    uid text not null,
    instance text,
    kind text not null,
    name text not null,
    type text not null,
    reason text not null,
    message text not null,
    count int not null,
    first_time timestamptz not null,
    last_time timestamptz not null,
    primary key (cluster, namespace, uid)
) with (fillfactor = 80);
create index cluster_event_instance on cluster_event (cluster, namespace, instance, last_time desc, uid desc);
create index cluster_event_age on cluster_event (last_time);
