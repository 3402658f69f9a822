-- Whether the namespace of an environment was ever made in the life that the environment has, so that others were told of it:
-- its row stays when it is deleted, and the name may come again. Null where nobody wrote it down: of an environment that a
-- worker of the version before has made.
alter table environment add column was_made boolean;
