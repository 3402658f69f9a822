-- Which environments have a namespace, for the same. In a step of its own: requests write environments before commands, and a step
-- that holds commands while it waits for environments would wait for those who wait for it.
create index environment_place on environment (cluster, namespace);
