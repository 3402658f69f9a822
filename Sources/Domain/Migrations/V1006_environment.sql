-- What owners and administrators say of projects, environments, clusters, applications and rules.

alter table project add column description text;

-- Groups put the environments of a project in order; an environment without one is in the default group.
create table environment_group (
    id bigint generated always as identity primary key,
    project text not null references project,
    name text not null,
    created_at timestamptz not null,
    unique (project, name)
);

alter table environment
    add column display_name text,
    add column group_id bigint references environment_group,
    -- Its place in its group; gaps are allowed.
    add column position int not null default 0,
    -- Whether what somebody changed by hand in the cluster is to be put back.
    add column repair_drift boolean not null default false,
    -- Whether the cluster's agent was connected when the newest revision was written.
    add column connected boolean not null default false;

create index command_environment_open on command (environment_id)
    where state in ('accepted', 'sent', 'acknowledged', 'applied');

-- The Kubernetes objects that somebody else has changed since the newest command, as the agent told it, none if they are
-- as it left them; and when they were to be put back last.
alter table instance add column drift jsonb, add column repaired_at timestamptz;
alter table environment_object add column drift jsonb, add column repaired_at timestamptz;

-- A name in a namespace is taken by what is there, not by what was there.
alter table instance drop constraint instance_cluster_namespace_instance_key;
create unique index instance_place on instance (cluster, namespace, instance) where state <> 'deleted';

alter table cluster
    add column description text,
    -- Whether every project may make environments in it; otherwise those that are listed.
    add column is_public boolean not null default true,
    -- The row of a deleted cluster stays: its epochs and the numbers of its keys go on when the name comes again.
    add column deleted_at timestamptz,
    -- The agent's state that the cluster's environments were told of.
    add column told_state text not null default 'unknown';

create table cluster_project (
    cluster text not null references cluster,
    project text not null references project,
    primary key (cluster, project)
);

alter table application
    add column enabled boolean not null default true,
    add column registry_server text,
    add column registry_username text,
    -- Encrypted at rest.
    add column registry_password bytea,
    add column chart_username text,
    add column chart_password bytea;

alter table auto_deploy_rule
    add column name text,
    -- The command of its newest firing, and how it stands or ended.
    add column last_command uuid,
    add column last_command_state text,
    add column last_command_reason_code text,
    add column last_command_reason text;
create index auto_deploy_rule_command on auto_deploy_rule (last_command) where last_command is not null;
