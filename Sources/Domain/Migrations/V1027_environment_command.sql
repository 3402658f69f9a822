-- The commands on environments themselves, few among those on what is in them: whether one is newer is asked when an agent's
-- late word comes, with the environment's row locked.
create index command_environment on command (environment_id, generation) where subject_kind = 'environment';
