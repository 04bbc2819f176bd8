-- Which columns are protected, and whether a statement touches one.

-- By address and by name: a column that is renamed stays protected, so does one that is dropped and comes back, and what is called as
-- one was before it was renamed. What is
-- generated from a protected column holds its value.
CREATE OR REPLACE VIEW asymm._protected_in_force AS
    WITH found AS (
        SELECT p.id, p.method, l.relid, l.attnum
          FROM asymm.protected_column AS p JOIN asymm.protected_place AS l ON l.protected_id = p.id
        UNION
        SELECT p.id, p.method, a.attrelid, a.attnum
          FROM asymm.protected_column AS p
          JOIN pg_namespace AS n ON n.nspname = p.schema_name
          JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = p.table_name
          JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = p.column_name)
    SELECT f.id, f.method, f.relid, f.attnum, a.attname
      FROM found AS f JOIN pg_attribute AS a ON a.attrelid = f.relid AND a.attnum = f.attnum AND NOT a.attisdropped AND a.attnum > 0
    UNION
    SELECT f.id, 'deny', f.relid, a.attnum, a.attname
      FROM found AS f
      JOIN pg_attrdef AS d ON d.adrelid = f.relid
      JOIN pg_attribute AS a ON a.attrelid = f.relid AND a.attnum = d.adnum AND a.attgenerated <> '' AND NOT a.attisdropped
      JOIN pg_depend AS e ON e.classid = 'pg_attrdef'::regclass AND e.objid = d.oid
                         AND e.refclassid = 'pg_class'::regclass AND e.refobjid = f.relid AND e.refobjsubid = f.attnum;
COMMENT ON VIEW asymm._protected_in_force IS 'Protected columns as they are in the catalogs now, with what is generated from them.';

-- Rows of a partition are read through the whole, and the other way round.
CREATE OR REPLACE FUNCTION asymm._protected_columns(relid oid) RETURNS name[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.protected_column) THEN
        RETURN '{}';
    END IF;
    RETURN ARRAY(
        WITH RECURSIVE above (relid) AS (
            SELECT _protected_columns.relid
            UNION SELECT i.inhparent FROM above AS u JOIN pg_inherits AS i ON i.inhrelid = u.relid),
        below (relid) AS (
            SELECT _protected_columns.relid
            UNION SELECT i.inhrelid FROM below AS u JOIN pg_inherits AS i ON i.inhparent = u.relid),
        family AS (SELECT u.relid FROM above AS u UNION SELECT u.relid FROM below AS u)
        SELECT DISTINCT a.attname
          FROM asymm._protected_in_force AS f
          JOIN family AS u ON u.relid = f.relid
          JOIN pg_attribute AS a ON a.attrelid = _protected_columns.relid AND a.attname = f.attname AND a.attnum > 0 AND NOT a.attisdropped
         ORDER BY 1);
END
$$;
COMMENT ON FUNCTION asymm._protected_columns(oid) IS 'The protected columns of a table, those of its partitions and of the whole it is a part of included.';

-- The parser notes with each table which columns are read, inserted and set, counted from the first system column, which is seven before
-- the first of the user's; the seventh stands for the whole row. Views are followed, as they stand in the catalog.
CREATE OR REPLACE FUNCTION asymm._touched_protected(tree text, with_functions boolean) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_trees text[] := ARRAY[tree];
    v_tree text;
    v_seen oid[] := '{}';
    v_fresh oid[];
    v_relid oid;
    v_protected name[];
    v_columns integer[];
    v_touched text;
    v record;
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.protected_column) THEN
        RETURN NULL;
    END IF;
    WHILE cardinality(v_trees) > 0 LOOP
        v_tree := v_trees[1];
        v_trees := v_trees[2:];
        SELECT p.* INTO v FROM asymm._tree_parts(v_tree) AS p;
        IF with_functions THEN
            SELECT format('function %s', p.oid::regprocedure) INTO v_touched
              FROM pg_proc AS p
             WHERE p.oid = ANY (v.functions || ARRAY(SELECT o.oprcode FROM pg_operator AS o WHERE o.oid = ANY (v.operators)))
               AND p.oid >= 16384 AND p.prolang IN (SELECT l.oid FROM pg_language AS l WHERE l.lanname NOT IN ('internal', 'c')) LIMIT 1;
            IF FOUND THEN
                RETURN v_touched;
            END IF;
        END IF;
        FOR v_relid IN SELECT DISTINCT u.id FROM unnest(v.relations) AS u (id) LOOP
            v_protected := asymm._protected_columns(v_relid);
            CONTINUE WHEN v_protected = '{}';
            v_columns := ARRAY(
                SELECT DISTINCT c.number::integer - 7
                  FROM regexp_matches(v_tree, ':relid ' || v_relid || ' [^{}]*?:selectedCols \(b([ \d]*)\) '
                                              ':insertedCols \(b([ \d]*)\) :updatedCols \(b([ \d]*)\)', 'g') AS m
                 CROSS JOIN LATERAL regexp_split_to_table(btrim(concat_ws(' ', m[1], m[2], m[3])), ' +') AS c (number)
                 WHERE c.number <> '');
            SELECT format('%s.%I', v_relid::regclass, a.attname) INTO v_touched
              FROM pg_attribute AS a
             WHERE a.attrelid = v_relid AND a.attname = ANY (v_protected)
               -- What a sample is taken from stands between the table and its columns.
               AND (a.attnum = ANY (v_columns) OR 0 = ANY (v_columns) OR strpos(v_tree, ':tablesample {') > 0)
             ORDER BY a.attnum LIMIT 1;
            IF FOUND THEN
                RETURN v_touched;
            END IF;
        END LOOP;
        v_fresh := ARRAY(SELECT DISTINCT u.id FROM unnest(v.relations) AS u (id) WHERE u.id <> ALL (v_seen));
        v_seen := v_seen || v_fresh;
        v_trees := v_trees || ARRAY(SELECT w.ev_action::text FROM pg_rewrite AS w JOIN pg_class AS c ON c.oid = w.ev_class
                                     WHERE w.ev_class = ANY (v_fresh) AND w.ev_type = '1' AND c.relkind IN ('v', 'm'));
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._touched_protected(text, boolean)
    IS 'The first protected column that a parsed statement touches, through views too, or (with_functions) a function whose body may; NULL: none.';

CREATE OR REPLACE VIEW asymm.protected AS
    SELECT format('%I.%I', p.schema_name, p.table_name) AS object, p.column_name, p.method, p.protected_by, p.protected_at,
           p.id IN (SELECT f.id FROM asymm._protected_in_force AS f) AS present,
           (SELECT format('%I.%I', w.schema_name, w.view_name) FROM asymm.masked_view AS w
             WHERE (w.schema_name, w.table_name) = (p.schema_name, p.table_name)) AS masked_view
      FROM asymm.protected_column AS p ORDER BY 1, 2;
COMMENT ON VIEW asymm.protected IS 'Columns declared by asymm.protect(), whether each is there now, and the masked view of its table.';

CREATE OR REPLACE VIEW asymm._protected_part_now AS
    WITH RECURSIVE below (protected_id, relid) AS (
        SELECT l.protected_id, i.inhrelid FROM asymm.protected_place AS l JOIN pg_inherits AS i ON i.inhparent = l.relid
        UNION SELECT b.protected_id, i.inhrelid FROM below AS b JOIN pg_inherits AS i ON i.inhparent = b.relid)
    SELECT b.protected_id, b.relid, a.attnum
      FROM below AS b
      JOIN asymm.protected_place AS l ON l.protected_id = b.protected_id
      JOIN pg_attribute AS w ON w.attrelid = l.relid AND w.attnum = l.attnum AND NOT w.attisdropped
      JOIN pg_attribute AS a ON a.attrelid = b.relid AND a.attname = w.attname AND a.attnum > 0 AND NOT a.attisdropped;
COMMENT ON VIEW asymm._protected_part_now IS 'The protected columns in partitions and heirs of their tables.';

-- Names follow what was renamed, so that a dump carries the new ones; places follow names in a restored copy.
CREATE OR REPLACE FUNCTION asymm._protected_follow(tag text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Without a tag: all is looked at.
    v_parts constant boolean := COALESCE(tag LIKE '%TABLE' OR tag = 'CREATE SCHEMA', true);
    v_first boolean := tag LIKE 'ALTER %TABLE';
    v record;
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.protected_column) THEN
        RETURN;
    END IF;
    IF v_parts THEN
        -- What is no part any more holds the same values: it is declared by itself.
        INSERT INTO asymm.protected_column AS p (schema_name, table_name, column_name, method, protected_by)
        SELECT n.nspname, c.relname, a.attname, w.method, w.protected_by
          FROM asymm.protected_part AS o
          JOIN asymm.protected_column AS w ON w.id = o.protected_id
          JOIN pg_attribute AS a ON a.attrelid = o.relid AND a.attnum = o.attnum AND NOT a.attisdropped
          JOIN pg_class AS c ON c.oid = o.relid JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE NOT EXISTS (SELECT FROM asymm._protected_part_now AS x WHERE (x.protected_id, x.relid) = (o.protected_id, o.relid))
        ON CONFLICT ON CONSTRAINT protected_column_name DO NOTHING;
    END IF;
    UPDATE asymm.masked_view AS w SET schema_name = n.nspname, table_name = c.relname
      FROM asymm.protected_column AS p JOIN asymm.protected_place AS l ON l.protected_id = p.id
      JOIN pg_class AS c ON c.oid = l.relid JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE (w.schema_name, w.table_name) = (p.schema_name, p.table_name) AND (p.schema_name, p.table_name) <> (n.nspname, c.relname)
       AND NOT EXISTS (SELECT FROM asymm.masked_view AS o WHERE (o.schema_name, o.table_name) = (n.nspname, c.relname));
    WITH moved AS (
        UPDATE asymm.protected_column AS p SET schema_name = n.nspname, table_name = c.relname, column_name = a.attname
          FROM asymm.protected_column AS w
          JOIN asymm.protected_place AS l ON l.protected_id = w.id
          JOIN pg_attribute AS a ON a.attrelid = l.relid AND a.attnum = l.attnum AND NOT a.attisdropped
          JOIN pg_class AS c ON c.oid = l.relid JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE w.id = p.id AND (w.schema_name, w.table_name, w.column_name) <> (n.nspname, c.relname, a.attname)
           AND NOT EXISTS (SELECT FROM asymm.protected_column AS o
                            WHERE (o.schema_name, o.table_name, o.column_name) = (n.nspname, c.relname, a.attname))
        RETURNING w.id, w.schema_name, w.table_name, w.column_name)
    INSERT INTO asymm.protected_name (protected_id, schema_name, table_name, column_name) SELECT m.* FROM moved AS m ON CONFLICT DO NOTHING;
    IF EXISTS (SELECT FROM asymm.protected_name) THEN
        FOR v IN
            INSERT INTO asymm.protected_column AS p (schema_name, table_name, column_name, method, protected_by)
            SELECT DISTINCT ON (1, 2, 3) f.schema_name, f.table_name, f.column_name, w.method, w.protected_by
              FROM asymm.protected_name AS f
              JOIN asymm.protected_column AS w ON w.id = f.protected_id
              JOIN pg_namespace AS n ON n.nspname = f.schema_name
              JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = f.table_name AND c.relkind IN ('r', 'p', 'f')
              JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = f.column_name AND a.attnum > 0 AND NOT a.attisdropped
             WHERE a.attinhcount = 0
             ORDER BY 1, 2, 3, w.id DESC
            ON CONFLICT ON CONSTRAINT protected_column_name DO NOTHING
            RETURNING p.schema_name, p.table_name, p.column_name, p.method
        LOOP
            PERFORM asymm._audit('protect', format('%I.%I', v.schema_name, v.table_name),
                                 jsonb_build_object('column', v.column_name, 'method', v.method, 'by', 'name'));
        END LOOP;
        DELETE FROM asymm.protected_name AS f USING asymm.protected_column AS p
         WHERE (p.schema_name, p.table_name, p.column_name) = (f.schema_name, f.table_name, f.column_name);
    END IF;
    INSERT INTO asymm.protected_place AS l (protected_id, relid, attnum)
    SELECT p.id, a.attrelid, a.attnum
      FROM asymm.protected_column AS p
      JOIN pg_namespace AS n ON n.nspname = p.schema_name
      JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = p.table_name
      JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = p.column_name AND a.attnum > 0 AND NOT a.attisdropped
    ON CONFLICT (protected_id) DO UPDATE SET relid = EXCLUDED.relid, attnum = EXCLUDED.attnum
     WHERE (l.relid, l.attnum) <> (EXCLUDED.relid, EXCLUDED.attnum)
       AND NOT EXISTS (SELECT FROM pg_attribute AS o WHERE o.attrelid = l.relid AND o.attnum = l.attnum AND NOT o.attisdropped);
    IF v_parts THEN
        DELETE FROM asymm.protected_part AS o
         WHERE NOT EXISTS (SELECT FROM asymm._protected_part_now AS x WHERE (x.protected_id, x.relid) = (o.protected_id, o.relid));
        -- What was kept of a part goes too: of one that is attached, and of those that are there when the whole is declared.
        FOR v IN
            WITH new AS (
                INSERT INTO asymm.protected_part AS o SELECT x.protected_id, x.relid, x.attnum FROM asymm._protected_part_now AS x
                ON CONFLICT (protected_id, relid) DO UPDATE SET attnum = EXCLUDED.attnum WHERE o.attnum <> EXCLUDED.attnum
                RETURNING o.relid, o.attnum)
            SELECT w.relid, a.attname, c.relname, s.nspname
              FROM new AS w JOIN pg_attribute AS a ON a.attrelid = w.relid AND a.attnum = w.attnum
              JOIN pg_class AS c ON c.oid = w.relid JOIN pg_namespace AS s ON s.oid = c.relnamespace
        LOOP
            IF v_first OR EXISTS (SELECT FROM asymm.state_table AS t WHERE (t.schema_name, t.table_name) = (v.nspname, v.relname))
               OR EXISTS (SELECT FROM asymm.duplicate_watch AS t WHERE (t.schema_name, t.table_name) = (v.nspname, v.relname)) THEN
                PERFORM asymm._purge_protected(v.relid, v.attname);
                v_first := false;
            END IF;
        END LOOP;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._protected_follow(text)
    IS 'Takes over new names and new addresses of protected columns, and partitions and heirs of their tables, as far as a command may have changed them.';

CREATE OR REPLACE FUNCTION asymm._protects() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN EXISTS (SELECT FROM asymm.protected_column); END $$;
COMMENT ON FUNCTION asymm._protects() IS 'True when any column is protected.';
