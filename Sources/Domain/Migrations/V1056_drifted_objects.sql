-- The same of objects. In a step of its own, so that it holds no instances while it waits for objects.
create index environment_object_drifted on environment_object (environment_id) where drift is not null;
