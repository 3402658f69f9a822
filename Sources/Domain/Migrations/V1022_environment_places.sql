-- What was done to an environment, by its generations: few rows among those of all commands. Whether one is newer is asked when an
-- agent's late word comes, with the environment's row locked.
create index command_environment on command (environment_id, generation) where subject_kind = 'environment';
-- Which environments had a namespace: what is made in it goes on behind what they told its agent.
create index command_environment_place on command (cluster, (desired ->> 'namespace')) where subject_kind = 'environment';
