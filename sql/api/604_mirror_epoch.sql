-- Epochs: what the stream does not tell (DDL, a TRUNCATE of one partition) begins a new one, and a message in the stream says so
-- at the very place where it happened.

CREATE OR REPLACE VIEW asymm._mirror_in_force AS
    SELECT m.*, s.epoch, s.relid, s.relids, s.types, s.shape, s.files, s.fault, s.cause, s.at
      FROM asymm.mirror_table AS m
      LEFT JOIN LATERAL (SELECT p.* FROM asymm.mirror_shape AS p WHERE p.mirror_id = m.id ORDER BY p.id DESC LIMIT 1) AS s ON true;
COMMENT ON VIEW asymm._mirror_in_force IS 'Each mirrored table with its shape in force (NULL after a restore, until resume()).';

CREATE OR REPLACE FUNCTION asymm._mirror_table_of(mirror bigint) RETURNS asymm._mirror_in_force
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm._mirror_in_force;
BEGIN
    SELECT f.* INTO v FROM asymm._mirror_in_force AS f WHERE f.id = mirror;
    RETURN v;
END
$$;
COMMENT ON FUNCTION asymm._mirror_table_of(bigint) IS 'One row of asymm._mirror_in_force.';

CREATE OR REPLACE FUNCTION asymm._mirror_fault_now(mirror bigint, relid oid) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT COALESCE(f.fault, CASE WHEN NOT asymm._is_published(relid)
                                          THEN 'publication asymm_mirror does not carry it, or not everything of it' END)
              FROM asymm.mirror_table AS m CROSS JOIN LATERAL asymm._mirror_fault(relid, m.key_columns, m.columns) AS f
             WHERE m.id = mirror);
END
$$;
COMMENT ON FUNCTION asymm._mirror_fault_now(bigint, oid) IS 'Why a mirrored table cannot be mirrored as it is now, or NULL.';

-- Transactional: the worker reads it where the change was committed, and never if it was rolled back.
CREATE OR REPLACE FUNCTION asymm._mirror_begin_epoch(mirror bigint, relid oid, cause text, shape jsonb, relids oid[], types oid[], files jsonb)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_epoch bigint := nextval('asymm.mirror_epoch_seq');
    v_table text := (SELECT format('%s.%s', m.schema_name, m.table_name) FROM asymm.mirror_table AS m WHERE m.id = mirror);
    v_fault text := asymm._mirror_fault_now(mirror, relid);
BEGIN
    INSERT INTO asymm.mirror_shape (mirror_id, epoch, relid, relids, types, shape, files, fault, cause)
    VALUES (mirror, v_epoch, _mirror_begin_epoch.relid, _mirror_begin_epoch.relids, _mirror_begin_epoch.types, _mirror_begin_epoch.shape,
            _mirror_begin_epoch.files, v_fault, _mirror_begin_epoch.cause);
    PERFORM pg_logical_emit_message(true, 'asymm', jsonb_build_object(
        'ddl', cause, 'id', mirror, 'relid', relid::bigint, 'table', v_table, 'epoch', v_epoch, 'gone', shape IS NULL, 'error', v_fault)::text);
    RETURN v_epoch;
END
$$;
COMMENT ON FUNCTION asymm._mirror_begin_epoch(bigint, oid, text, jsonb, oid[], oid[], jsonb)
    IS 'Begins a new epoch of a mirrored table that is as described, and says so in the WAL.';

CREATE OR REPLACE FUNCTION asymm._mirror_new_epoch(mirror bigint, relid oid, cause text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_columns name[] := (SELECT m.columns FROM asymm.mirror_table AS m WHERE m.id = mirror);
BEGIN
    RETURN asymm._mirror_begin_epoch(mirror, relid, cause, asymm._mirror_shape(relid, v_columns), asymm._mirror_relids(relid),
                                     asymm._mirror_types(relid), asymm._mirror_files(relid));
END
$$;
COMMENT ON FUNCTION asymm._mirror_new_epoch(bigint, oid, text) IS 'Begins a new epoch of a mirrored table as it is now, and says so in the WAL.';

-- Columns were perhaps called otherwise, and so was the table; what was declared goes with them.
CREATE OR REPLACE FUNCTION asymm._mirror_rename(mirror bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    WITH former AS (SELECT f.id, f.relid, f.key_columns, f.columns, f.shape -> 'columns' AS attributes FROM asymm._mirror_in_force AS f
                     WHERE f.id = mirror),
    named AS (
        SELECT c.key AS attnum, c.value ->> 0 AS old, a.attname AS new
          FROM former AS f CROSS JOIN LATERAL jsonb_each(f.attributes) AS c
          JOIN pg_attribute AS a ON a.attrelid = f.relid AND a.attnum = c.key::smallint AND NOT a.attisdropped)
    UPDATE asymm.mirror_table AS m
       SET schema_name = n.nspname, table_name = c.relname,
           key_columns = ARRAY(SELECT COALESCE(w.new, k.name) FROM unnest(f.key_columns) WITH ORDINALITY AS k (name, place)
                                 LEFT JOIN named AS w ON w.old = k.name ORDER BY k.place),
           columns = CASE WHEN f.columns IS NOT NULL
                          THEN ARRAY(SELECT COALESCE(w.new, k.name) FROM unnest(f.columns) WITH ORDINALITY AS k (name, place)
                                       LEFT JOIN named AS w ON w.old = k.name ORDER BY k.place) END
      FROM former AS f JOIN pg_class AS c ON c.oid = f.relid JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE m.id = f.id
       AND ((m.schema_name, m.table_name) IS DISTINCT FROM (n.nspname, c.relname)
            OR EXISTS (SELECT FROM named AS w WHERE w.old <> w.new));
END
$$;
COMMENT ON FUNCTION asymm._mirror_rename(bigint) IS 'Takes over new names of a mirrored table and its columns.';

CREATE OR REPLACE FUNCTION asymm._mirror_look(mirror bigint, cause text, forced boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_old asymm._mirror_in_force := asymm._mirror_table_of(mirror);
    v_columns name[];
    v_shape jsonb;
    v_files jsonb;
    v_relids oid[];
    v_types oid[];
    v_lost boolean;
BEGIN
    IF v_old.relid IS NULL OR v_old.shape IS NULL AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = v_old.relid) THEN
        RETURN false;
    END IF;
    v_shape := asymm._mirror_shape(v_old.relid, v_old.columns);
    IF v_shape IS DISTINCT FROM v_old.shape THEN
        PERFORM asymm._mirror_rename(mirror);
        -- Without a list of columns their names do not change what belongs to the shape.
        IF v_old.columns IS NOT NULL THEN
            SELECT m.columns INTO v_columns FROM asymm.mirror_table AS m WHERE m.id = mirror;
            v_shape := asymm._mirror_shape(v_old.relid, v_columns);
        END IF;
    END IF;
    v_files := asymm._mirror_files(v_old.relid);
    v_relids := asymm._mirror_relids(v_old.relid);
    v_types := CASE WHEN v_shape = v_old.shape THEN v_old.types ELSE asymm._mirror_types(v_old.relid) END;
    v_lost := v_files <> v_old.files AND EXISTS (SELECT FROM jsonb_each_text(v_old.files) AS f WHERE v_files ->> f.key IS DISTINCT FROM f.value);
    IF forced OR v_shape - 'labels' IS DISTINCT FROM v_old.shape - 'labels' OR NOT v_shape -> 'labels' @> (v_old.shape -> 'labels') OR v_lost
       OR v_files <> v_old.files AND cause NOT LIKE 'CREATE %'
       -- With the shape as before, only partitions and a key that another index keeps unique can bring in a fault.
       OR (v_shape <> v_old.shape OR v_shape ->> 'kind' <> 'r' OR v_shape ->> 'identity' = 'f' OR v_old.fault IS NOT NULL)
          AND asymm._mirror_fault_now(mirror, v_old.relid) IS DISTINCT FROM v_old.fault THEN
        PERFORM asymm._mirror_begin_epoch(mirror, v_old.relid, cause, v_shape, v_relids, v_types, v_files);
        RETURN true;
    ELSIF (v_shape, v_files, v_relids, v_types) IS DISTINCT FROM (v_old.shape, v_old.files, v_old.relids, v_old.types) THEN
        -- A partition made empty brings no rows along, nor does an index or a new label.
        INSERT INTO asymm.mirror_shape (mirror_id, epoch, relid, relids, types, shape, files, fault, cause)
        VALUES (mirror, v_old.epoch, v_old.relid, v_relids, v_types, v_shape, v_files, v_old.fault, _mirror_look.cause);
    END IF;
    RETURN false;
END
$$;
COMMENT ON FUNCTION asymm._mirror_look(bigint, text, boolean) IS 'Compares a mirrored table with its shape in force and begins a new epoch where they differ; true when it did.';

-- What a query means, or who may run it, is as before after these; of all else whoever keeps results is told.
CREATE OR REPLACE FUNCTION asymm._changes_meaning(event text, tag text, named boolean) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE
        -- The rights that go with them are not named.
        WHEN tag IN ('DROP OWNED', 'REASSIGN OWNED') THEN true
        -- What a command dropped on its way, it tells at its end.
        WHEN event = 'sql_drop' AND tag NOT LIKE 'DROP %' THEN false
        ELSE named AND tag <> ALL ('{CREATE INDEX,ALTER INDEX,DROP INDEX,REINDEX,CREATE STATISTICS,ALTER STATISTICS,DROP STATISTICS,COMMENT,'
                                   'SECURITY LABEL,CLUSTER,REFRESH MATERIALIZED VIEW,CREATE TRIGGER,ALTER TRIGGER,DROP TRIGGER,'
                                   'ALTER DEFAULT PRIVILEGES,CREATE SUBSCRIPTION,ALTER SUBSCRIPTION,DROP SUBSCRIPTION}'::text[])
        END;
END
$$;
COMMENT ON FUNCTION asymm._changes_meaning(text, text, boolean)
    IS 'True when DDL can change what a query means or who may run it: results kept before it are not read any more.';

-- Called with everybody's DDL once anything is mirrored: what has nothing to do with mirrored tables is to cost next to nothing.
CREATE OR REPLACE FUNCTION asymm._mirror_ddl(event text, tag text, class_ids oid[], object_ids oid[], named boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '1s' SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
DECLARE
    -- What changes tables without naming them.
    v_any constant boolean := tag IN ('ALTER SCHEMA', 'ALTER PUBLICATION', 'DROP PUBLICATION', 'DROP OWNED', 'DROP SCHEMA')
        OR tag LIKE 'DROP %' AND 'pg_publication_rel'::regclass = ANY (class_ids);
    -- An old snapshot may show an old shape: then there is nothing to compare with.
    v_blind constant boolean := current_setting('transaction_isolation') <> 'read committed';
    v_ids oid[] := object_ids;
BEGIN
    BEGIN
        IF asymm._changes_meaning(event, tag, named) THEN
            PERFORM pg_logical_emit_message(true, 'asymm', jsonb_build_object('any', tag)::text);
        END IF;
        IF tag LIKE 'CREATE %TABLE%' THEN
            -- A new partition or child is the business of those above it.
            v_ids := v_ids || ARRAY(SELECT pg_partition_root(c.oid)::oid FROM pg_class c WHERE c.oid = ANY (object_ids) AND c.relispartition
                                    UNION SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = ANY (object_ids));
        END IF;
        -- First by rows that may be old ones, which needs no look for the latest of each table.
        IF v_any OR EXISTS (SELECT FROM asymm.mirror_shape AS s WHERE s.relids && v_ids OR s.types && v_ids) THEN
            PERFORM asymm._mirror_look(f.id, tag, v_blind)
               FROM asymm._mirror_in_force AS f WHERE v_any OR f.relids && v_ids OR f.types && v_ids ORDER BY f.id;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        -- The user's DDL goes on. That it could not be judged is told: without an id it means every table.
        RAISE LOG 'asymmetrica: the mirror could not judge %: % (%)', tag, SQLERRM, SQLSTATE;
        PERFORM pg_logical_emit_message(true, 'asymm', jsonb_build_object('ddl', tag, 'error', SQLSTATE)::text);
    END;
END
$$;
COMMENT ON FUNCTION asymm._mirror_ddl(text, text, oid[], oid[], boolean)
    IS 'Tells the WAL of DDL that can change the results of queries, and begins new epochs for what it did to mirrored tables; raises nothing.';
