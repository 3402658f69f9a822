-- Whether an agent has told all that it sees, so that its objects can be judged by what was told: since when, when that was
-- last heard, and of which epoch. Null where only workers of a version before have followed the agent.
alter table cluster
    add column account_complete_since timestamptz,
    add column account_heard_at timestamptz,
    add column account_epoch bigint;
