-- What an environment holds beside instances: networks, domains, certificates, config maps and secrets. A deleted
-- object's row stays, so that its revision and generation go on when the name comes again.
create table environment_object (
    id bigint generated always as identity primary key,
    environment_id bigint not null references environment,
    kind text not null check (kind in ('network', 'domain', 'certificate', 'config-map', 'secret')),
    name text not null,
    description text,
    -- As it was asked for, without anything confidential.
    spec jsonb not null,
    -- Confidential values, encrypted at rest: the name of each value and its ciphertext in base64.
    confidential jsonb not null default '{}',
    -- The same two as the newest command that did not fail left them: what a change after a failed one keeps.
    running_spec jsonb,
    running_confidential jsonb,
    -- The Kubernetes objects that may be in the cluster because of it: apiVersion, kind and name of each.
    placed jsonb not null default '[]',
    generation bigint not null default numbers_begin(),
    state text not null check (state in (
        'operating', 'running', 'failed', 'deleting', 'deleted', 'applying', 'active', 'expiring', 'expired')),
    reason_code text,
    reason text,
    -- Of certificates.
    not_before timestamptz,
    not_after timestamptz,
    -- Of requested ones: the end as the cluster said it when it was looked at last.
    seen_end text,
    open_command uuid,
    revision bigint not null default numbers_begin(),
    created_at timestamptz not null,
    changed_at timestamptz not null,
    changed_by text not null,
    unique (environment_id, kind, name)
) with (fillfactor = 70);
-- Time moves certificates, so they are looked at often.
create index environment_object_certificate on environment_object (not_after)
    where kind = 'certificate' and state in ('active', 'expiring', 'expired', 'failed');

alter table command add column object_id bigint references environment_object;
create index command_object on command (object_id) where object_id is not null;
