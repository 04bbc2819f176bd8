=== measurements by month
CREATE TABLE measure (sensor integer NOT NULL, at date NOT NULL, value numeric DEFAULT 0, note text) PARTITION BY RANGE (at);
CREATE TABLE measure_2024_01 PARTITION OF measure FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE measure_2024_02 PARTITION OF measure FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE measure_rest PARTITION OF measure DEFAULT;
ALTER TABLE measure ADD PRIMARY KEY (sensor, at);
CREATE INDEX measure_value ON measure (value);
COMMENT ON TABLE measure_2024_01 IS 'January';
--- a partition more
CREATE TABLE measure_2024_03 PARTITION OF measure FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
--- a partition dropped
DROP TABLE measure_2024_01;
--- a partition detached
ALTER TABLE measure DETACH PARTITION measure_2024_01;
--- other bounds
ALTER TABLE measure DETACH PARTITION measure_2024_02;
ALTER TABLE measure ATTACH PARTITION measure_2024_02 FOR VALUES FROM ('2024-02-01') TO ('2024-04-01');
--- no default partition
ALTER TABLE measure DETACH PARTITION measure_rest;
DROP TABLE measure_rest;
--- the default partition is another
ALTER TABLE measure DETACH PARTITION measure_rest;
ALTER TABLE measure_rest RENAME TO measure_old_rest;
CREATE TABLE measure_rest PARTITION OF measure DEFAULT;
--- two partitions with swapped bounds
ALTER TABLE measure DETACH PARTITION measure_2024_01;
ALTER TABLE measure DETACH PARTITION measure_2024_02;
ALTER TABLE measure ATTACH PARTITION measure_2024_01 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
ALTER TABLE measure ATTACH PARTITION measure_2024_02 FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
--- a column more
ALTER TABLE measure ADD COLUMN unit text DEFAULT 'm' NOT NULL;
--- a column dropped
ALTER TABLE measure DROP COLUMN note;
--- a column retyped
ALTER TABLE measure ALTER value TYPE double precision;
--- an index on all
CREATE INDEX measure_note ON measure (note) WHERE note IS NOT NULL;
--- an index on one only
CREATE INDEX measure_01_note ON measure_2024_01 (note);
--- an index not on all
CREATE INDEX measure_note ON ONLY measure (note);
--- an index gone
DROP INDEX measure_value;
--- the names of the partitions' indexes
ALTER INDEX measure_2024_01_value_idx RENAME TO january_value;
--- a partition with its own default, check and not null
ALTER TABLE measure_2024_01 ALTER value SET DEFAULT 1, ALTER note SET NOT NULL, ADD CONSTRAINT positive CHECK (value > 0);
--- a check on all
ALTER TABLE measure ADD CONSTRAINT measure_positive CHECK (value >= 0);
--- a foreign key from all
CREATE TABLE sensor (id integer PRIMARY KEY);
ALTER TABLE measure ADD CONSTRAINT measure_sensor FOREIGN KEY (sensor) REFERENCES sensor ON DELETE CASCADE;
--- a foreign key to all
CREATE TABLE remark (sensor integer, at date, FOREIGN KEY (sensor, at) REFERENCES measure);
--- divided further
CREATE TABLE measure_2025 PARTITION OF measure FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (sensor);
CREATE TABLE measure_2025_a PARTITION OF measure_2025 FOR VALUES IN (1, 2);
CREATE TABLE measure_2025_b PARTITION OF measure_2025 DEFAULT;
--- divided by list instead
-- old
-- remade: measure, measure_2024_01, measure_2024_02, measure_rest
-- new
DROP TABLE measure;
CREATE TABLE measure (sensor integer NOT NULL, at date NOT NULL, value numeric DEFAULT 0, note text) PARTITION BY LIST (sensor);
CREATE TABLE measure_2024_01 PARTITION OF measure FOR VALUES IN (1);
CREATE TABLE measure_2024_02 PARTITION OF measure FOR VALUES IN (2, NULL);
CREATE TABLE measure_rest PARTITION OF measure DEFAULT;
--- not divided
-- remade: measure
-- old
-- new
DROP TABLE measure;
CREATE TABLE measure (sensor integer NOT NULL, at date NOT NULL, value numeric DEFAULT 0, note text);
--- all of it gone
DROP TABLE measure;
--- renamed
ALTER TABLE measure RENAME TO measurement;
ALTER TABLE measure_2024_01 RENAME TO m_2024_01;
--- grants and owner on a partition
ALTER TABLE measure_2024_01 OWNER TO app_owner;
GRANT SELECT ON measure TO app_reader;
GRANT SELECT, INSERT ON measure_2024_02 TO app_user;
--- a partition with columns in another order
ALTER TABLE measure DETACH PARTITION measure_2024_01;
DROP TABLE measure_2024_01;
CREATE TABLE measure_2024_01 (note text, value numeric, at date NOT NULL, sensor integer NOT NULL, PRIMARY KEY (sensor, at));
ALTER TABLE measure ATTACH PARTITION measure_2024_01 FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
--- a partition with its own options
ALTER TABLE measure_2024_01 SET (fillfactor = 50);
ALTER TABLE measure_2024_02 SET UNLOGGED;

=== other ways to divide
CREATE TABLE root (id integer);
--- by hash
-- old
CREATE TABLE h (id integer, v text) PARTITION BY HASH (id);
CREATE TABLE h0 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE h1 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 1);
-- new
CREATE TABLE h (id integer, v text) PARTITION BY HASH (id);
CREATE TABLE h0 PARTITION OF h FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE h1 PARTITION OF h FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE h2 PARTITION OF h FOR VALUES WITH (MODULUS 4, REMAINDER 2);
CREATE TABLE h3 PARTITION OF h FOR VALUES WITH (MODULUS 4, REMAINDER 3);
--- by an expression and with a class
CREATE TABLE e (id integer, v text) PARTITION BY RANGE (lower(v) COLLATE "C" text_pattern_ops, id);
CREATE TABLE e0 PARTITION OF e FOR VALUES FROM (MINVALUE, MINVALUE) TO ('m', 10);
CREATE TABLE e1 PARTITION OF e FOR VALUES FROM ('m', 10) TO (MAXVALUE, MAXVALUE);
--- by list, with more values
-- old
CREATE TABLE l (land text, v text) PARTITION BY LIST (land);
CREATE TABLE l_eu PARTITION OF l FOR VALUES IN ('ch', 'de');
CREATE TABLE l_other PARTITION OF l FOR VALUES IN ('us', NULL);
-- new
CREATE TABLE l (land text, v text) PARTITION BY LIST (land);
CREATE TABLE l_eu PARTITION OF l FOR VALUES IN ('ch', 'de', 'at');
CREATE TABLE l_other PARTITION OF l FOR VALUES IN ('us');
--- with identity and serial
CREATE TABLE s (id bigserial, at timestamptz DEFAULT now() NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE s_1 PARTITION OF s FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2024-02-01 00:00:00+00');
--- a plain table became a partition
-- old
CREATE TABLE p (id integer NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE p_1 (id integer NOT NULL, at date NOT NULL);
-- new
CREATE TABLE p (id integer NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
--- a plain table became a partitioned one, with a view and a key to it
-- remade: q
-- old
CREATE TABLE q (id integer PRIMARY KEY, v text);
CREATE TABLE q0 (id integer PRIMARY KEY, v text);
CREATE VIEW q_text AS SELECT v FROM q;
-- new
CREATE TABLE q (id integer PRIMARY KEY, v text) PARTITION BY HASH (id);
CREATE TABLE q0 PARTITION OF q FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE VIEW q_text AS SELECT v FROM q;
CREATE TABLE of_q (q integer REFERENCES q);
--- another key, the same partitions
-- remade: k
-- old
CREATE TABLE k (id integer, v text) PARTITION BY HASH (id);
CREATE TABLE k0 PARTITION OF k FOR VALUES WITH (MODULUS 1, REMAINDER 0);
-- new
CREATE TABLE k (id integer, v text) PARTITION BY HASH (v);
CREATE TABLE k0 PARTITION OF k FOR VALUES WITH (MODULUS 1, REMAINDER 0);
--- another type of the key
-- remade: y
-- old
CREATE TABLE y (at date NOT NULL, v text, PRIMARY KEY (at)) PARTITION BY RANGE (at);
CREATE TABLE y_1 PARTITION OF y FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- new
CREATE TABLE y (at timestamptz NOT NULL, v text, PRIMARY KEY (at)) PARTITION BY RANGE (at);
CREATE TABLE y_1 PARTITION OF y FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
--- another type of the key, with a default and a key to it
-- remade: z
-- old
CREATE TABLE z (id integer, at date NOT NULL, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE z_1 PARTITION OF z FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE of_z (id integer, at date, FOREIGN KEY (id, at) REFERENCES z);
-- new
CREATE FUNCTION some_text() RETURNS text LANGUAGE sql AS $$ SELECT 'some' $$;
CREATE TABLE z (id integer, at timestamp NOT NULL, v text DEFAULT some_text(), PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE z_1 PARTITION OF z FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
CREATE TABLE z_2 PARTITION OF z FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
CREATE TABLE of_z (id integer, at timestamp, FOREIGN KEY (id, at) REFERENCES z);

=== events in one table or many
CREATE TABLE kind (id integer PRIMARY KEY);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'x'; RETURN NEW; END $$;
--- divided after all
-- remade: zone, zone_id_seq
-- old
CREATE TABLE zone (id bigserial, at date NOT NULL, kind integer REFERENCES kind, note text, up text GENERATED ALWAYS AS (upper(note)) STORED,
    PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE a_2024 PARTITION OF zone FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE b_rest PARTITION OF zone DEFAULT;
CREATE TRIGGER touched BEFORE UPDATE ON zone FOR EACH ROW EXECUTE FUNCTION touch();
CREATE INDEX zone_note ON zone (note);
CREATE VIEW zones AS SELECT id, note FROM zone;
GRANT SELECT ON zone, zones TO app_reader;
COMMENT ON COLUMN zone.note IS 'free';
-- new
CREATE TABLE zone (id bigserial PRIMARY KEY, at date NOT NULL, kind integer REFERENCES kind, note text,
    up text GENERATED ALWAYS AS (upper(note)) STORED);
CREATE INDEX zone_at ON zone (at);
CREATE VIEW zones AS SELECT id, note FROM zone;
CREATE MATERIALIZED VIEW zone_days AS SELECT at, count(*) FROM zone GROUP BY at;
--- divided by another column
-- remade: zone, zone_id_seq
-- old
CREATE TABLE zone (id integer GENERATED ALWAYS AS IDENTITY, at date NOT NULL, kind integer NOT NULL, CHECK (kind > 0)) PARTITION BY RANGE (at);
CREATE TABLE zone_all PARTITION OF zone DEFAULT;
CREATE TABLE more (id integer, at date NOT NULL, UNIQUE (id));
CREATE RULE seen AS ON INSERT TO zone DO ALSO NOTHING;
ALTER TABLE zone ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON zone USING (kind > 1);
-- new
CREATE TABLE zone (id integer GENERATED ALWAYS AS IDENTITY, at date NOT NULL, kind integer NOT NULL, CHECK (kind > 0)) PARTITION BY LIST (kind);
CREATE TABLE zone_all PARTITION OF zone DEFAULT;
CREATE TABLE zone_one PARTITION OF zone FOR VALUES IN (1);
CREATE TABLE more (id integer, at date NOT NULL, UNIQUE (id));
