-- Where watched objects live in the catalog: addresses of their parts, and headers that tell whether one was touched.

CREATE OR REPLACE FUNCTION asymm._addresses(relids oid[])
RETURNS TABLE (relid oid, class_id oid, object_id oid, sub_id integer, part text, name text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT c.oid, 'pg_class'::regclass::oid, c.oid, 0, 'table'::text, ''::text FROM pg_class c WHERE c.oid = ANY (relids)
    UNION ALL
    SELECT a.attrelid, 'pg_class'::regclass, a.attrelid, a.attnum::integer, 'column', a.attname::text
      FROM pg_attribute a WHERE a.attrelid = ANY (relids) AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT c.conrelid, 'pg_constraint'::regclass, c.oid, 0, 'constraint', c.conname
      FROM pg_constraint c WHERE c.conrelid = ANY (relids) AND c.contype IN ('p', 'u', 'f', 'c', 'x')
    UNION ALL
    SELECT x.indrelid, 'pg_class'::regclass, x.indexrelid, 0, 'index', i.relname
      FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = ANY (relids)
    UNION ALL
    SELECT t.tgrelid, 'pg_trigger'::regclass, t.oid, 0, 'trigger', t.tgname
      FROM pg_trigger t WHERE t.tgrelid = ANY (relids) AND NOT t.tgisinternal
    UNION ALL
    SELECT p.polrelid, 'pg_policy'::regclass, p.oid, 0, 'policy', p.polname FROM pg_policy p WHERE p.polrelid = ANY (relids)
    UNION ALL
    SELECT w.ev_class, 'pg_rewrite'::regclass, w.oid, 0, 'rule', w.rulename FROM pg_rewrite w WHERE w.ev_class = ANY (relids)
    UNION ALL
    SELECT d.refobjid, 'pg_class'::regclass, d.objid, 0, 'column', a.attname
      FROM pg_depend d
      JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S'
      JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (relids) AND d.classid = 'pg_class'::regclass
       -- Of a column without a default a sequence is no fact, but an object by itself.
       AND (d.deptype = 'i' OR d.deptype = 'a' AND a.atthasdef AND asymm._column_sequence(a.attrelid, a.attnum) = d.objid);
END
$$;
COMMENT ON FUNCTION asymm._addresses(oid[]) IS 'Catalog addresses of tables and their parts (owned sequences count to their column).';

-- Headers of all catalog rows that make up an object: equal headers, nothing happened. The order of the rows does not
-- matter to XOR, and no two rows have the same catalog and ctid.
CREATE OR REPLACE FUNCTION asymm._headers(relids oid[]) RETURNS TABLE (relid oid, header text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT h.relid, to_hex(bit_xor(h.hash))
      FROM (
        SELECT c.oid AS relid, hash_record_extended(ROW (c.tableoid, c.xmin, c.ctid), 0) AS hash
          FROM pg_class c WHERE c.oid = ANY (relids)
        UNION ALL
        SELECT a.attrelid, hash_record_extended(ROW (a.tableoid, a.xmin, a.ctid), 0)
          FROM pg_attribute a WHERE a.attrelid = ANY (relids) AND a.attnum > 0
        UNION ALL
        SELECT d.adrelid, hash_record_extended(ROW (d.tableoid, d.xmin, d.ctid), 0)
          FROM pg_attrdef d WHERE d.adrelid = ANY (relids)
        UNION ALL
        SELECT c.conrelid, hash_record_extended(ROW (c.tableoid, c.xmin, c.ctid), 0)
          FROM pg_constraint c WHERE c.conrelid = ANY (relids)
        UNION ALL
        SELECT x.indrelid, hash_record_extended(ROW (x.tableoid, x.xmin, x.ctid, i.xmin, i.ctid), 0)
          FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = ANY (relids)
        UNION ALL
        SELECT t.tgrelid, hash_record_extended(ROW (t.tableoid, t.xmin, t.ctid), 0)
          FROM pg_trigger t WHERE t.tgrelid = ANY (relids) AND NOT t.tgisinternal
        UNION ALL
        SELECT p.polrelid, hash_record_extended(ROW (p.tableoid, p.xmin, p.ctid), 0)
          FROM pg_policy p WHERE p.polrelid = ANY (relids)
        UNION ALL
        SELECT w.ev_class, hash_record_extended(ROW (w.tableoid, w.xmin, w.ctid), 0)
          FROM pg_rewrite w WHERE w.ev_class = ANY (relids)
        UNION ALL
        SELECT m.objoid, hash_record_extended(ROW (m.tableoid, m.xmin, m.ctid), 0)
          FROM pg_description m WHERE m.classoid = 'pg_class'::regclass AND m.objoid = ANY (relids)
        UNION ALL
        SELECT i.inhrelid, hash_record_extended(ROW (i.tableoid, i.xmin, i.ctid), 0)
          FROM pg_inherits i WHERE i.inhrelid = ANY (relids)
        UNION ALL
        SELECT d.refobjid, hash_record_extended(ROW (q.tableoid, q.xmin, q.ctid, c.xmin, c.ctid), 0)
          FROM pg_depend d
          JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
          JOIN pg_sequence q ON q.seqrelid = c.oid
         WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (relids) AND d.classid = 'pg_class'::regclass
      ) AS h
     GROUP BY h.relid;
END
$$;
COMMENT ON FUNCTION asymm._headers(oid[]) IS 'A hash over the row headers (xmin, ctid) of every catalog row of each table: cheap to compare, says nothing of what changed.';

-- Where an object was found is told in step with the baselines by who knows it; else it is looked up by name.
CREATE OR REPLACE FUNCTION asymm._refresh_members(baselines bigint[], object_ids oid[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    v_relids oid[];
BEGIN
    -- Arrays are joined by unnest(): as a filter beside a generic plan they would be searched once per row.
    INSERT INTO asymm.baseline_state AS s (baseline_id, class_id, object_id)
    SELECT b.id, asymm._kind_class(b.kind), o.id
      FROM unnest(baselines, object_ids) AS u (id, object_id)
      JOIN asymm.baseline b ON b.id = u.id
     CROSS JOIN LATERAL (SELECT CASE WHEN object_ids IS NOT NULL THEN u.object_id
                                     ELSE asymm._object_oid(b.kind, b.schema_name, b.object_name) END) AS o (id)
     WHERE o.id IS NOT NULL
    ON CONFLICT (baseline_id) DO UPDATE SET class_id = excluded.class_id, object_id = excluded.object_id
     WHERE (s.class_id, s.object_id) IS DISTINCT FROM (excluded.class_id, excluded.object_id);
    -- An object that took another's name is that other one now.
    UPDATE asymm.baseline_state AS s SET object_id = NULL, header = NULL
      FROM unnest(baselines) AS u (id)
      JOIN asymm.baseline_state AS n ON n.baseline_id = u.id
     WHERE s.object_id = n.object_id AND s.class_id = n.class_id AND s.baseline_id <> n.baseline_id
       AND NOT EXISTS (SELECT FROM unnest(baselines) AS o (id) WHERE o.id = s.baseline_id);
    SELECT COALESCE(array_agg(s.object_id), '{}') INTO v_relids
      FROM unnest(baselines) AS u (id) JOIN asymm.baseline_state s ON s.baseline_id = u.id
     WHERE s.class_id = 'pg_class'::regclass AND s.object_id IS NOT NULL;
    UPDATE asymm.baseline_state AS s SET header = h.header, fingerprint = b.fingerprint, checked_at = clock_timestamp(),
           checked_xid = pg_current_xact_id(), checked_snapshot = pg_current_snapshot()
      FROM unnest(baselines) AS u (id)
      JOIN asymm.baseline AS b ON b.id = u.id
      JOIN asymm.baseline_state AS k ON k.baseline_id = u.id
      LEFT JOIN asymm._headers(v_relids) AS h ON h.relid = k.object_id AND k.class_id = 'pg_class'::regclass
     WHERE s.baseline_id = u.id AND k.object_id IS NOT NULL;
    -- A sequence declared by itself may be a column's for now.
    WITH present AS MATERIALIZED (
        SELECT DISTINCT ON (x.class_id, x.object_id, x.sub_id) x.*
          FROM (
            SELECT a.class_id, a.object_id, a.sub_id, s.baseline_id, a.part, a.name
              FROM unnest(baselines) AS u (id)
              JOIN asymm.baseline AS b ON b.id = u.id AND b.kind = 'table'
              JOIN asymm.baseline_state AS s ON s.baseline_id = u.id
              JOIN asymm._addresses(v_relids) AS a ON a.relid = s.object_id
            UNION ALL
            SELECT s.class_id, s.object_id, 0, s.baseline_id, b.kind, ''
              FROM unnest(baselines) AS u (id)
              JOIN asymm.baseline AS b ON b.id = u.id AND b.kind <> 'table'
              JOIN asymm.baseline_state AS s ON s.baseline_id = u.id
             WHERE s.object_id IS NOT NULL
            UNION ALL
            SELECT r.class_id, r.id, 0, s.baseline_id, r.part, ''
              FROM unnest(baselines) AS u (id)
              JOIN asymm.baseline_state AS s ON s.baseline_id = u.id AND s.class_id = 'pg_publication'::regclass
             CROSS JOIN LATERAL (
                SELECT 'pg_publication_rel'::regclass, p.oid, 'publication relation' FROM pg_publication_rel p WHERE p.prpubid = s.object_id
                UNION ALL
                SELECT 'pg_publication_namespace'::regclass, p.oid, 'publication namespace'
                  FROM pg_publication_namespace p WHERE p.pnpubid = s.object_id) AS r (class_id, id, part)) AS x
         ORDER BY x.class_id, x.object_id, x.sub_id, x.part = 'column'),
    gone AS (
        DELETE FROM asymm.member AS m
         USING unnest(baselines) AS u (id)
         WHERE m.baseline_id = u.id
           AND (m.class_id, m.object_id, m.sub_id) NOT IN (SELECT p.class_id, p.object_id, p.sub_id FROM present p))
    INSERT INTO asymm.member AS m (class_id, object_id, sub_id, baseline_id, part, name)
    SELECT p.* FROM present AS p
     WHERE NOT EXISTS (SELECT FROM asymm.member AS k
                        WHERE (k.class_id, k.object_id, k.sub_id, k.baseline_id, k.part, k.name)
                            = (p.class_id, p.object_id, p.sub_id, p.baseline_id, p.part, p.name))
    ON CONFLICT (class_id, object_id, sub_id) DO UPDATE
       SET baseline_id = excluded.baseline_id, part = excluded.part, name = excluded.name;
END
$$;
COMMENT ON FUNCTION asymm._refresh_members(bigint[], oid[]) IS 'Notes where watched objects that agree with their baseline live in the catalog now.';

-- Everything watched as it is where it was last seen, if it still has its name there.
CREATE OR REPLACE FUNCTION asymm._facts_at_address(baselines bigint[] DEFAULT NULL) RETURNS TABLE (baseline_id bigint, object_id oid, facts jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    v_kinds text[];
    v_oids oid[];
BEGIN
    SELECT array_agg(b.kind), array_agg(s.object_id) INTO v_kinds, v_oids
      FROM asymm.baseline b JOIN asymm.baseline_state s ON s.baseline_id = b.id
     WHERE s.object_id IS NOT NULL AND (baselines IS NULL OR b.id = ANY (baselines));
    RETURN QUERY
        SELECT b.id, f.object_id, f.facts
          FROM asymm._object_facts(v_kinds, v_oids) AS f
          JOIN asymm.baseline b ON (b.kind, b.schema_name, b.object_name) = (f.kind, f.schema_name, f.object_name);
END
$$;
COMMENT ON FUNCTION asymm._facts_at_address(bigint[]) IS 'Facts of watched objects that are still where they were, by one look at the catalogs.';

CREATE OR REPLACE FUNCTION asymm._rebuild_members() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_lost bigint[];
BEGIN
    -- Addresses still known tell renames; a hold is somebody's decision: both stay.
    v_lost := ARRAY(SELECT b.id FROM asymm.baseline b WHERE NOT EXISTS (SELECT FROM asymm.member m WHERE m.baseline_id = b.id));
    PERFORM asymm._refresh_members(v_lost);
    -- What does not agree with its baseline is looked at by the next scan.
    UPDATE asymm.baseline_state AS s
       SET header = NULL, fingerprint = NULL, checked_xid = NULL, checked_snapshot = NULL
      FROM asymm.baseline AS b
      LEFT JOIN asymm._facts_at_address() AS f ON f.baseline_id = b.id
     WHERE b.id = s.baseline_id AND b.facts IS DISTINCT FROM f.facts;
END
$$;
COMMENT ON FUNCTION asymm._rebuild_members() IS 'Finds watched objects again by name whose catalog addresses are not known, as after a restore.';
