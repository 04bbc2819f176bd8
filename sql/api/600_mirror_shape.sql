-- What a mirrored table looks like, as far as the mirror depends on it, and what is in the way of mirroring one.

CREATE OR REPLACE FUNCTION asymm._mirror_columns(relid oid, columns name[]) RETURNS name[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- In the table's order, whatever the order they were named in.
    RETURN ARRAY(SELECT a.attname FROM pg_attribute a
                  WHERE a.attrelid = relid AND a.attnum > 0 AND NOT a.attisdropped
                    AND CASE WHEN _mirror_columns.columns IS NULL THEN a.attgenerated = '' ELSE a.attname = ANY (_mirror_columns.columns) END
                  ORDER BY a.attnum);
END
$$;
COMMENT ON FUNCTION asymm._mirror_columns(oid, name[]) IS 'The columns of a table that are mirrored, in the table''s order; NULL stands for all that are not generated.';

-- The index by which old rows are told: of the primary key, or the one that REPLICA IDENTITY names. With FULL the whole row is told.
CREATE OR REPLACE FUNCTION asymm._identity_index(relid oid) RETURNS oid
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT x.indexrelid FROM pg_class c JOIN pg_index x ON x.indrelid = c.oid
             WHERE c.oid = relid AND x.indisvalid AND x.indimmediate
               AND CASE c.relreplident WHEN 'd' THEN x.indisprimary WHEN 'i' THEN x.indisreplident ELSE false END);
END
$$;
COMMENT ON FUNCTION asymm._identity_index(oid) IS 'The index that is the replica identity of a table, or NULL.';

CREATE OR REPLACE FUNCTION asymm._index_columns(index oid) RETURNS name[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT a.attname
                   FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey[0:x.indnkeyatts - 1])
                  WHERE x.indexrelid = index ORDER BY array_position(x.indkey::smallint[], a.attnum));
END
$$;
COMMENT ON FUNCTION asymm._index_columns(oid) IS 'The key columns of an index, in its order.';

-- Identity and key hang on unique indexes, and the command that drops one does not name the table.
CREATE OR REPLACE FUNCTION asymm._mirror_relids(relid oid) RETURNS oid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT _mirror_relids.relid
                 UNION SELECT t.relid FROM pg_partition_tree(_mirror_relids.relid::regclass) AS t
                 UNION SELECT x.indexrelid FROM pg_index x WHERE x.indrelid = _mirror_relids.relid AND x.indisunique
                 ORDER BY 1);
END
$$;
COMMENT ON FUNCTION asymm._mirror_relids(oid) IS 'A table with all its partitions and its unique indexes.';

-- An enum's labels or a row type's attributes are renamed without a word of the table.
CREATE OR REPLACE FUNCTION asymm._mirror_types(relid oid) RETURNS oid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute a
                    WHERE a.attrelid = _mirror_types.relid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= 16384) THEN
        RETURN '{}';
    END IF;
    RETURN ARRAY(
        WITH RECURSIVE made (id) AS (
            SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = _mirror_types.relid AND a.attnum > 0 AND NOT a.attisdropped
            UNION
            SELECT p.id
              FROM made AS m
              JOIN pg_type y ON y.oid = m.id
             CROSS JOIN LATERAL (SELECT y.typelem UNION ALL SELECT y.typbasetype
                                 UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE y.oid IN (r.rngtypid, r.rngmultitypid)
                                 UNION ALL SELECT a.atttypid FROM pg_attribute a
                                            WHERE a.attrelid = y.typrelid AND a.attnum > 0 AND NOT a.attisdropped) AS p (id)
             WHERE m.id >= 16384)
        SELECT w.id FROM made AS m JOIN pg_type y ON y.oid = m.id CROSS JOIN LATERAL (VALUES (y.oid), (y.typrelid)) AS w (id)
         WHERE m.id >= 16384 AND w.id <> 0 ORDER BY 1);
END
$$;
COMMENT ON FUNCTION asymm._mirror_types(oid) IS 'Types of a table''s columns that are not the server''s own, with those they are made of and the relations behind row types.';

-- Partitions and their files. pgoutput tells nothing of a TRUNCATE of one partition, but it is given a new file.
CREATE OR REPLACE FUNCTION asymm._mirror_files(relid oid) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- What has no partitions is spared the search for them.
    RETURN CASE WHEN EXISTS (SELECT FROM pg_class c WHERE c.oid = relid AND c.relkind = 'p')
                THEN COALESCE((SELECT jsonb_object_agg(c.oid::text, c.relfilenode::text)
                                 FROM pg_partition_tree(relid::regclass) AS t JOIN pg_class c ON c.oid = t.relid
                                WHERE t.isleaf AND c.oid <> _mirror_files.relid), '{}')
                ELSE '{}' END;
END
$$;
COMMENT ON FUNCTION asymm._mirror_files(oid) IS 'The partitions of a table with their file nodes.';

CREATE OR REPLACE FUNCTION asymm._is_published(relid oid) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
                    WHERE p.pubname = 'asymm_mirror' AND r.prrelid = relid AND r.prqual IS NULL
                      AND p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AND p.pubviaroot);
END
$$;
COMMENT ON FUNCTION asymm._is_published(oid) IS 'True when publication asymm_mirror carries everything that happens to a table.';

-- A change of any of this begins a new epoch (of labels: unless some were only added): rows may read otherwise now without an event
-- in the stream. All DDL on the table pays for it: no joins, one look into each catalog, and into none that has nothing to say.
CREATE OR REPLACE FUNCTION asymm._mirror_shape(relid oid, columns name[]) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_class pg_class;
    v_types oid[] := asymm._mirror_types(relid);
    v_children boolean := false;
    v_identities jsonb;
    v_labels jsonb := '{}';
    v_rows jsonb;
    v_columns jsonb;
BEGIN
    SELECT c.* INTO v_class FROM pg_class c WHERE c.oid = relid;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF v_class.relkind = 'r' AND v_class.relhassubclass THEN
        v_children := EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = relid);
    END IF;
    IF v_class.relkind = 'r' THEN
        v_identities := jsonb_build_object(v_class.relreplident, true);
    ELSIF v_class.relkind = 'p' THEN
        SELECT jsonb_object_agg(DISTINCT p.relreplident, true) INTO v_identities
          FROM pg_partition_tree(relid::regclass) AS t JOIN pg_class p ON p.oid = t.relid WHERE t.isleaf;
    END IF;
    IF v_types <> '{}' THEN
        SELECT COALESCE(jsonb_object_agg(e.oid, e.enumlabel), '{}') INTO v_labels FROM pg_enum e WHERE e.enumtypid = ANY (v_types);
        SELECT jsonb_object_agg(format('%s.%s', a.attrelid, a.attnum), jsonb_build_array(a.attname, a.atttypid::bigint, a.atttypmod)) INTO v_rows
          FROM pg_attribute a WHERE a.attrelid = ANY (v_types) AND a.attnum > 0 AND NOT a.attisdropped;
    END IF;
    SELECT jsonb_object_agg(a.attnum, jsonb_build_array(a.attname, a.atttypid::bigint, a.atttypmod)) INTO v_columns
      FROM pg_attribute a
     WHERE a.attrelid = relid AND a.attnum > 0 AND NOT a.attisdropped
       AND CASE WHEN _mirror_shape.columns IS NULL THEN a.attgenerated = '' ELSE a.attname = ANY (_mirror_shape.columns) END;
    RETURN jsonb_build_object(
        'schema', (SELECT n.nspname FROM pg_namespace n WHERE n.oid = v_class.relnamespace), 'table', v_class.relname,
        'kind', v_class.relkind, 'persistence', v_class.relpersistence, 'security', v_class.relrowsecurity,
        'partition', v_class.relispartition, 'children', v_children,
        'published', asymm._is_published(relid), 'identity', v_class.relreplident, 'key', asymm._index_columns(asymm._identity_index(relid)),
        'identities', v_identities, 'labels', v_labels, 'rows', v_rows, 'columns', v_columns);
END
$$;
COMMENT ON FUNCTION asymm._mirror_shape(oid, name[]) IS 'What the mirror of a table depends on: names, mirrored columns and types, key, partitioning, publication; NULL when it is gone.';
