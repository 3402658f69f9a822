-- Deletions that counted at once because the agent was away: few, and looked for at each hello, since the agent still
-- has to carry them out.
create index command_forced_deletion on command (cluster)
    where state = 'succeeded' and reason_code = 'not_removed_from_cluster';
