-- The words of the design's glossary, one table each. What may be locked together is locked in this order:
-- resources and their streams, cluster, environment, instance and other objects, command.
-- Counters that others compare begin at first_number(), see V0001_runtime.sql.

create table project (
    project text primary key,
    name text not null,
    revision bigint not null default first_number(),
    created_at timestamptz not null
);

create table cluster (
    cluster text primary key,
    name text not null,
    -- The uid of the cluster's kube-system namespace, bound at the first hello.
    uid text,
    -- The number of the agent's key. While keys are rotated the number before it is valid too: up to a time, or until
    -- it is retired. What is sent to the agent is signed with the number of its newest hello.
    key_id int not null default 1,
    previous_key_id int,
    previous_key_until timestamptz,
    agent_key_id int,
    state text not null default 'unknown' check (state in ('unknown', 'connected', 'lost', 'conflict')),
    -- The epoch of the agent's current boot, and the number of the last message that counted in it.
    epoch bigint not null default numbers_begin(),
    boot uuid,
    sequence bigint not null default 0,
    gaps bigint not null default 0,
    last_seen timestamptz,
    status_partition int,
    revision bigint not null default first_number(),
    created_at timestamptz not null
);

create table agent_boot (
    cluster text not null references cluster,
    boot uuid not null,
    epoch bigint not null,
    superseded boolean not null default false,
    first_seen timestamptz not null,
    primary key (cluster, boot)
);

create table environment (
    id bigint generated always as identity primary key,
    project text not null references project,
    environment text not null,
    cluster text not null references cluster,
    namespace text not null,
    description text,
    state text not null check (state in ('creating', 'active', 'failed', 'disabled', 'deleting', 'deleted')),
    reason_code text,
    reason text,
    -- Whether every member of the project may work in it; otherwise those it is assigned to.
    open_to_members boolean not null default false,
    revision bigint not null default first_number(),
    created_at timestamptz not null,
    -- When and by which program the newest revision was written: what is published again says the same.
    changed_at timestamptz not null default now(),
    changed_by text not null default 'deployment-worker',
    unique (project, environment)
);
create unique index environment_namespace on environment (cluster, namespace) where state <> 'deleted';

create table application (
    project text not null references project,
    application text not null,
    -- What release events call it: the name in their package URL.
    artifact text not null,
    chart_repository text,
    chart_name text,
    revision bigint not null default first_number(),
    created_at timestamptz not null,
    primary key (project, application)
);
create index application_artifact on application (artifact);

-- A version without the 'v' that tags are often given: both spellings name one version.
create function version_number(text) returns text immutable strict parallel safe language sql
    return regexp_replace($1, '^[vV](?=[0-9])', '');

create table version (
    artifact text not null,
    -- As the first event spelled it.
    version text not null,
    number text not null generated always as (version_number(version)) stored,
    image text,
    digest text,
    chart_repository text,
    chart_name text,
    chart_version text,
    "values" text,
    commit_id text,
    branch text,
    event_source text not null,
    event_id text not null,
    published_at timestamptz,
    recorded_at timestamptz not null,
    primary key (artifact, version),
    unique (artifact, number)
);

create table auto_deploy_rule (
    id bigint generated always as identity primary key,
    environment_id bigint not null references environment,
    application text not null,
    instance text not null,
    versions text not null default '*',
    -- Which branches it takes: types, names or prefixes; none means all.
    branches text[] not null default '{}',
    "values" text,
    -- On whose behalf the rule acts; permission is checked again each time it fires.
    creator text not null,
    enabled boolean not null default true,
    -- The version for which it fired last.
    fired_version text,
    -- The version that it last looked at, when, and why it did not fire; no reason means that it did.
    last_version text,
    last_evaluated timestamptz,
    last_reason_code text,
    last_reason text,
    revision bigint not null default first_number(),
    created_at timestamptz not null,
    unique (environment_id, instance)
);

create table instance (
    id bigint generated always as identity primary key,
    environment_id bigint not null references environment,
    instance text not null,
    application text not null,
    -- Copied from the environment: the resource worker finds instances by where their objects are.
    cluster text not null,
    namespace text not null,
    -- What the newest command asks for, whole: version, values, replicas, stopped, nonce. A column of its own for
    -- the version, which many look at.
    desired_version text not null,
    desired jsonb,
    -- The same of the newest command that reached its goal: what a change after a failed one is made to.
    running_version text,
    running_generation bigint,
    settled jsonb,
    generation bigint not null default numbers_begin(),
    state text not null check (state in ('operating', 'running', 'failed', 'stopped', 'deleted')),
    -- What it was before the open command, and is again when that does not reach its goal; none before the first.
    settled_state text check (settled_state in ('running', 'failed', 'stopped')),
    -- Why the newest command did not reach its goal.
    reason_code text,
    reason text,
    health text not null default 'missing',
    health_reason text,
    pods_ready int not null default 0,
    pods_total int not null default 0,
    objects int not null default 0,
    open_command uuid,
    revision bigint not null default numbers_begin(),
    -- When and by which program the newest revision was written.
    changed_at timestamptz not null,
    changed_by text not null default 'deployment-worker',
    unique (environment_id, instance),
    unique (cluster, namespace, instance)
) with (fillfactor = 70);

create table command (
    -- Derived from (caller, source, id) of the request, so that deciding again names the same command.
    id uuid primary key,
    operation text not null,
    environment_id bigint references environment,
    instance_id bigint references instance,
    cluster text,
    -- The key of its results.
    key text not null,
    subject_kind text not null,
    subject_name text not null,
    project text,
    environment text,
    generation bigint not null default 0,
    state text not null check (state in (
        'accepted', 'sent', 'acknowledged', 'applied',
        'succeeded', 'failed', 'timed_out', 'superseded', 'canceled')),
    -- Begins at first_number(), see CommandStore.
    revision bigint not null,
    reason_code text,
    reason text,
    caller text not null,
    request_source text not null,
    request_id text not null,
    request_type text not null,
    -- The whole desired state after this command, so that a newer one includes those it supersedes.
    desired jsonb not null default '{}',
    -- What the agent said it applied: kind, namespace, name, uid and generation of each object.
    objects jsonb,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    step_deadline timestamptz,
    deadline timestamptz not null,
    -- Seconds for: acknowledge, apply, become healthy.
    step_seconds int[] not null,
    settle_seconds int not null,
    failure_seconds int not null,
    healthy_since timestamptz,
    failing_since timestamptz,
    failing_code text,
    failing_reason text,
    traceparent text
) with (fillfactor = 70);
create index command_open on command (deadline)
    where state in ('accepted', 'sent', 'acknowledged', 'applied');
create index command_instance on command (instance_id, generation);
create index command_cluster_open on command (cluster)
    where state in ('accepted', 'sent', 'acknowledged', 'applied');

-- The ledger: every step of every command, and what came too late to count.
create table command_step (
    command uuid not null references command,
    revision bigint not null,
    state text not null,
    late boolean not null default false,
    reason_code text,
    reason text,
    at timestamptz not null,
    worker text not null,
    primary key (command, revision)
);

-- How far the numbered stream of one cluster and namespace was followed.
create table resource_stream (
    cluster text not null,
    namespace text not null,
    epoch bigint not null,
    sequence bigint not null,
    gaps bigint not null default 0,
    -- The first message after the newest gap of the epoch: a snapshot that began before it removes nothing.
    unbroken_since bigint not null default 1,
    snapshot_wanted boolean not null default false,
    -- Drawn by the newest transaction that wrote objects of the stream: who remembers it need not read them again. Whoever
    -- else writes objects leaves 0.
    mark bigint not null default 0,
    changed_at timestamptz not null,
    primary key (cluster, namespace)
) with (fillfactor = 50);

create table resource (
    cluster text not null,
    namespace text not null,
    kind text not null,
    name text not null,
    api_version text not null,
    uid text not null,
    instance text,
    epoch bigint not null,
    sequence bigint not null,
    generation bigint not null default 0,
    observed_generation bigint,
    resource_version text,
    health text not null,
    health_reason text,
    gone boolean not null default false,
    -- 0 before it was published.
    revision bigint not null default 0,
    -- Of pods only: whether it is ready, what it shows when it will probably not come up, and which command made it.
    ready boolean,
    failing_code text,
    failing_reason text,
    command_generation bigint,
    -- As the agent sent it: jsonb would be taken apart and built anew at every change, and is looked into by few.
    object json,
    changed_at timestamptz not null,
    -- When the newest revision was written; changes that nobody can see from outside leave it.
    status_at timestamptz not null default now(),
    primary key (cluster, namespace, kind, name)
) with (fillfactor = 70);
create index resource_instance on resource (cluster, namespace, instance) where instance is not null and not gone;
