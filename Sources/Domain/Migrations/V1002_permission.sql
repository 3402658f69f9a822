-- Who may do what. A user is the subject of a token.

-- Owners of a project and its members; a member works only in environments that are open to members or assigned.
create table project_member (
    project text not null references project,
    "user" text not null,
    role text not null check (role in ('owner', 'member')),
    added_at timestamptz not null,
    primary key (project, "user")
);

create table environment_member (
    environment_id bigint not null references environment,
    "user" text not null,
    added_at timestamptz not null,
    primary key (environment_id, "user")
);
