-- What a command on an object asked for that ended without success: its agent may do it all the same, and then it is what the
-- cluster holds, whatever newer commands ask for. A row goes once the cluster is known to have done it or a newer one.
create table object_attempt (
    command uuid primary key references command on delete cascade,
    object_id bigint not null references environment_object,
    generation bigint not null,
    -- As in environment_object; null of a deletion.
    spec jsonb,
    confidential jsonb not null default '{}'
);
create index object_attempt_object on object_attempt (object_id);

-- What the cluster said of a certificate when it was ordered anew: uid and status of cert-manager's object. The same words
-- say nothing of the new order. Null where nothing was there.
alter table environment_object add column ordered_over jsonb;
