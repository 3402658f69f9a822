-- The newest commands of an environment, which people ask for: looked for among all that the ledger keeps.
create index command_key on command (key, created_at);
