-- From what a command names to the watched tables it may have changed.

CREATE OR REPLACE FUNCTION asymm._touched(class_ids oid[], object_ids oid[], parent_schemas text[], parent_names text[])
RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    v_relids oid[];
    v_heirs oid[];
    v_schemas oid[];
BEGIN
    IF cardinality(object_ids) = 0 AND cardinality(parent_names) = 0 THEN
        RETURN;      -- it names none
    END IF;
    -- New parts are not members yet; their table is.
    SELECT array_agg(p.relid) INTO v_relids FROM (
        SELECT o.object_id AS relid FROM unnest(class_ids, object_ids) AS o (class_id, object_id) WHERE o.class_id = 'pg_class'::regclass
        UNION
        SELECT x.indrelid FROM pg_index x WHERE x.indexrelid = ANY (object_ids)
        UNION
        SELECT t.tgrelid FROM pg_trigger t WHERE t.oid = ANY (object_ids)
        UNION
        SELECT c.conrelid FROM pg_constraint c WHERE c.oid = ANY (object_ids)
        UNION
        SELECT p.polrelid FROM pg_policy p WHERE p.oid = ANY (object_ids)
        UNION
        SELECT w.ev_class FROM pg_rewrite w WHERE w.oid = ANY (object_ids)
        UNION
        SELECT d.refobjid FROM pg_depend d
         WHERE d.classid = 'pg_class'::regclass AND d.objid = ANY (object_ids)
           AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')) AS p;
    -- A command on a parent changes its partitions and heirs.
    v_heirs := ARRAY(SELECT c.oid FROM pg_class c WHERE c.oid = ANY (v_relids) AND c.relhassubclass);
    WHILE cardinality(v_heirs) > 0 LOOP
        v_heirs := ARRAY(SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = ANY (v_heirs) AND i.inhrelid <> ALL (v_relids));
        v_relids := v_relids || v_heirs;
    END LOOP;
    RETURN QUERY
        -- Names first: without statistics the planner would try every baseline of the schema.
        WITH named AS MATERIALIZED (
            SELECT n.nspname, c.relname, asymm._relation_kind(c.relkind) AS kind
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY (v_relids)),
        -- What was made anew under a declared name.
        identified AS MATERIALIZED (
            SELECT i.type AS kind, COALESCE((parse_ident(i.schema))[1], '') AS schema_name, (parse_ident(i.name))[1] AS name,
                   CASE WHEN i.schema IS NULL THEN i.identity ELSE substr(i.identity, length(i.schema) + 2) END AS identity
              FROM unnest(class_ids, object_ids) AS o (class_id, object_id)
             CROSS JOIN LATERAL pg_identify_object(o.class_id, o.object_id, 0) AS i
             WHERE o.class_id NOT IN ('pg_class'::regclass, 'pg_trigger'::regclass, 'pg_constraint'::regclass, 'pg_policy'::regclass,
                                      'pg_rewrite'::regclass, 'pg_attrdef'::regclass)
               AND NOT EXISTS (SELECT FROM asymm.member AS m WHERE (m.class_id, m.object_id, m.sub_id) = (o.class_id, o.object_id, 0)))
        SELECT m.baseline_id FROM unnest(class_ids, object_ids) AS o (class_id, object_id)
          JOIN asymm.member m USING (class_id, object_id)
        UNION
        SELECT s.baseline_id FROM asymm.baseline_state s WHERE s.object_id = ANY (v_relids) AND s.class_id = 'pg_class'::regclass
        UNION
        SELECT b.id FROM named
          JOIN asymm.baseline b ON b.kind = named.kind AND b.schema_name = named.nspname AND b.object_name = named.relname
        UNION
        SELECT s.baseline_id FROM pg_class c
          JOIN asymm.baseline_state s ON s.object_id = c.reltype AND s.class_id = 'pg_type'::regclass
         WHERE c.oid = ANY (v_relids) AND c.relkind = 'c'
        UNION
        SELECT s.baseline_id FROM (SELECT r.prpubid AS id FROM pg_publication_rel r WHERE r.oid = ANY (object_ids)
                                   UNION SELECT n.pnpubid FROM pg_publication_namespace n WHERE n.oid = ANY (object_ids)) AS p
          JOIN asymm.baseline_state s ON s.object_id = p.id AND s.class_id = 'pg_publication'::regclass
        UNION
        SELECT b.id FROM identified AS i
          JOIN asymm.baseline b ON b.kind = i.kind AND b.schema_name = i.schema_name AND b.object_name IN (i.name, i.identity)
        UNION
        SELECT b.id FROM unnest(parent_schemas, parent_names) AS p (schema_name, object_name)
          JOIN asymm.baseline b ON b.kind = 'table' AND b.schema_name = p.schema_name AND b.object_name = p.object_name;
    -- What lies in a schema that was renamed is called otherwise, or again as declared.
    v_schemas := ARRAY(SELECT o.object_id FROM unnest(class_ids, object_ids) AS o (class_id, object_id) WHERE o.class_id = 'pg_namespace'::regclass);
    IF cardinality(v_schemas) > 0 THEN
        RETURN QUERY
            SELECT b.id
              FROM asymm._objects(v_schemas) AS o
              JOIN asymm.baseline_state s ON s.class_id = o.class_id AND s.object_id = o.object_id
              JOIN asymm.baseline b ON b.id = s.baseline_id
             WHERE b.schema_name NOT IN (SELECT n.nspname FROM pg_namespace n WHERE n.oid = ANY (v_schemas))
                OR EXISTS (SELECT FROM asymm.drift_record d WHERE d.baseline_id = b.id AND d.state = 'open' AND d.attribute = 'name');
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._touched(oid[], oid[], text[], text[]) IS 'Watched objects that the given catalog addresses are, or belong to.';
