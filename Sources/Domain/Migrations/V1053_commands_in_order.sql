-- The newest commands on an object, and the newest removal of an instance: looked for at each of their commands,
-- however many there were before.
create index command_object_generation on command (object_id, generation) where object_id is not null;
create index command_instance_removed on command (instance_id, generation)
    where operation = 'instance.delete' and state = 'succeeded';
