=== on another disk
CREATE TABLE big (id integer PRIMARY KEY, body text);
CREATE INDEX big_body ON big (body);
CREATE MATERIALIZED VIEW kept AS SELECT id FROM big;
CREATE TABLE parted (id integer) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
--- the table
ALTER TABLE big SET TABLESPACE app_space;
--- an index
ALTER INDEX big_body SET TABLESPACE app_space;
--- the index of a key
ALTER INDEX big_pkey SET TABLESPACE app_space;
--- the materialized view
ALTER MATERIALIZED VIEW kept SET TABLESPACE app_space;
--- a partition
ALTER TABLE parted_1 SET TABLESPACE app_space;
--- what partitions will be
ALTER TABLE parted SET TABLESPACE app_space;
--- a new one there
CREATE TABLE other (id serial PRIMARY KEY USING INDEX TABLESPACE app_space) TABLESPACE app_space;
CREATE INDEX other_id ON other (id) TABLESPACE app_space;
