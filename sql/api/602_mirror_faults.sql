-- Why a table cannot be mirrored. Each reason with what would mend it.

CREATE OR REPLACE FUNCTION asymm._mirror_kind_fault(relid oid, OUT fault text, OUT remedy text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT CASE
               -- Of our own only the entities are data of applications.
               WHEN n.nspname IN ('pg_catalog', 'information_schema') OR n.nspname LIKE 'pg\_toast%'
                    OR n.nspname = 'asymm' AND c.relname <> 'data_entity' THEN 'it is part of the system'
               WHEN n.nspname = 'asymm' AND asymm._records_reads() THEN 'reads of entities are recorded, and in Redis nobody sees who reads'
               WHEN c.relpersistence = 't' THEN 'it is temporary, and the WAL says nothing of it'
               WHEN c.relpersistence = 'u' THEN 'it is unlogged, and the WAL says nothing of it'
               WHEN c.relkind = 'f' THEN 'it is a foreign table, and its rows change elsewhere'
               WHEN c.relkind = 'v' THEN 'it is a view'
               WHEN c.relkind = 'm' THEN 'it is a materialized view'
               WHEN c.relkind NOT IN ('r', 'p') THEN 'it is not a table'
               WHEN c.relispartition THEN 'it is a partition'
           END,
           CASE
               WHEN c.relkind IN ('r', 'p') AND c.relispartition AND n.nspname NOT LIKE 'pg\_%'
                   THEN format('Mirror the whole: SELECT * FROM asymm.mirror(%L)', pg_partition_root(c.oid)::regclass::text)
               WHEN c.relkind IN ('r', 'p') AND c.relpersistence = 'u' AND n.nspname NOT LIKE 'pg\_%'
                   THEN format('ALTER TABLE %I.%I SET LOGGED', n.nspname, c.relname)
               WHEN n.nspname = 'asymm' AND c.relname = 'data_entity' THEN 'SELECT asymm.configure_entities(audit_reads => false)'
               WHEN c.relkind IN ('v', 'm') THEN 'Mirror the tables it reads from; results of queries are cached by the driver.'
               ELSE 'Mirror an ordinary or partitioned table of your own.'
           END
      INTO fault, remedy
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relid;
END
$$;
COMMENT ON FUNCTION asymm._mirror_kind_fault(oid) IS 'Why a relation of this kind cannot be mirrored and what to do; NULL: it can.';

CREATE OR REPLACE FUNCTION asymm._mirror_fault(relid oid, key_columns name[], columns name[], OUT fault text, OUT remedy text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_display constant text := relid::regclass::text;
    v_security boolean;
    v_named name[];
    v_protected constant name[] := asymm._protected_columns(relid);
    v_column text;
BEGIN
    SELECT k.fault, k.remedy INTO fault, remedy FROM asymm._mirror_kind_fault(relid) AS k;
    IF fault IS NOT NULL THEN
        RETURN;
    END IF;
    SELECT c.relrowsecurity INTO v_security FROM pg_class c WHERE c.oid = relid;
    IF NOT FOUND THEN
        fault := 'it was dropped';
        remedy := 'SELECT asymm.unmirror(…) removes what was declared.';
        RETURN;
    ELSIF v_security THEN
        fault := 'it has row-level security, and Redis has none: everybody would see every row';
        remedy := 'Mirror a table without policies, or: ALTER TABLE ' || v_display || ' DISABLE ROW LEVEL SECURITY';
        RETURN;
    ELSIF EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent WHERE i.inhparent = relid AND c.relkind = 'r') THEN
        fault := 'other tables inherit from it, and their rows would be missing';
        remedy := 'Mirror each of them, or make it a partitioned table.';
        RETURN;
    END IF;
    SELECT c.oid::regclass::text INTO v_column FROM pg_partition_tree(relid::regclass) AS t JOIN pg_class c ON c.oid = t.relid WHERE c.relkind = 'f';
    IF v_column IS NOT NULL THEN
        fault := format('its partition %s is a foreign table, and its rows change elsewhere', v_column);
        remedy := 'Mirror a table whose partitions are all local.';
        RETURN;
    END IF;
    v_named := key_columns || COALESCE(columns, '{}');
    SELECT quote_ident(n.name) INTO v_column FROM unnest(v_named) AS n (name)
     WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relid AND a.attname = n.name AND a.attnum > 0 AND NOT a.attisdropped) LIMIT 1;
    IF v_column IS NOT NULL THEN
        fault := format('it has no column %s', v_column);
        remedy := format('SELECT attname FROM pg_attribute WHERE attrelid = %L::regclass AND attnum > 0; lists them.', v_display);
        RETURN;
    END IF;
    SELECT quote_ident(a.attname) INTO v_column FROM pg_attribute a
     WHERE a.attrelid = relid AND a.attname = ANY (v_named) AND a.attgenerated <> '' LIMIT 1;
    IF v_column IS NOT NULL THEN
        fault := format('column %s is generated, and generated columns are not streamed', v_column);
        remedy := 'Name columns that are stored as they were written.';
        RETURN;
    END IF;
    SELECT quote_ident(c) INTO v_column FROM unnest(asymm._mirror_columns(relid, columns) || key_columns) AS c WHERE c = ANY (v_protected) LIMIT 1;
    IF v_column IS NOT NULL THEN
        fault := format('column %s is protected, and Redis knows no privileges', v_column);
        remedy := format('Without columns, SELECT * FROM asymm.mirror(%L) leaves it out; it cannot be in the key.', v_display);
        RETURN;
    END IF;
    SELECT k.fault, k.remedy INTO fault, remedy FROM asymm._mirror_key_fault(relid, key_columns, columns) AS k;
END
$$;
COMMENT ON FUNCTION asymm._mirror_fault(oid, name[], name[]) IS 'The first reason why a table cannot be mirrored by this key with these columns, and what mends it; NULL: it can.';

-- The stream tells the old row by the replica identity, so the key must be of it; and a publication whose columns do not cover
-- the replica identity makes every UPDATE of the application fail.
CREATE OR REPLACE FUNCTION asymm._mirror_key_fault(relid oid, key_columns name[], columns name[], OUT fault text, OUT remedy text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_display constant text := relid::regclass::text;
    v_identity "char";
    v_other text;
    v_key name[];
BEGIN
    SELECT c.relreplident INTO v_identity FROM pg_class c WHERE c.oid = relid;
    v_key := asymm._index_columns(asymm._identity_index(relid));
    SELECT c.oid::regclass::text INTO v_other FROM pg_partition_tree(relid::regclass) AS t JOIN pg_class c ON c.oid = t.relid
     WHERE t.isleaf AND (c.relreplident = 'n' OR c.relreplident <> v_identity
                         OR v_identity <> 'f' AND asymm._index_columns(asymm._identity_index(c.oid)) <> v_key) LIMIT 1;
    IF v_identity = 'n' THEN
        fault := 'its replica identity is NOTHING: the stream would not say which row was changed';
        remedy := format('ALTER TABLE %s REPLICA IDENTITY DEFAULT', v_display);
    ELSIF v_identity <> 'f' AND cardinality(v_key) = 0 THEN
        fault := 'it has no primary key that is checked at once; published, its UPDATE and DELETE would fail';
        remedy := format('ALTER TABLE %s ADD PRIMARY KEY (…)', v_display);
    ELSIF v_other IS NOT NULL THEN
        fault := format('its partition %s has another replica identity', v_other);
        remedy := format('ALTER TABLE %s REPLICA IDENTITY DEFAULT', v_other);
    ELSIF cardinality(key_columns) = 0 THEN
        fault := 'no key column is named, and it has no primary key';
        remedy := format('ALTER TABLE %s ADD PRIMARY KEY (…)', v_display);
    ELSIF v_identity <> 'f' AND NOT (key_columns @> v_key AND key_columns <@ v_key) THEN
        fault := format('its replica identity is (%s), so another key is not told with changed and deleted rows',
                        (SELECT string_agg(quote_ident(k), ', ') FROM unnest(v_key) AS k));
        remedy := format('SELECT * FROM asymm.mirror(%L); takes that key. Another: ALTER TABLE %s REPLICA IDENTITY FULL',
                         v_display, v_display);
    ELSIF v_identity = 'f' AND NOT EXISTS (
        SELECT FROM pg_index x
         WHERE x.indrelid = relid AND x.indisunique AND x.indisvalid AND x.indimmediate AND x.indpred IS NULL AND x.indexprs IS NULL
           AND asymm._index_columns(x.indexrelid) <@ key_columns AND asymm._index_columns(x.indexrelid) @> key_columns
           AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relid AND a.attname = ANY (key_columns) AND NOT a.attnotnull)) THEN
        fault := 'its key columns are not those of a unique index without NULLs';
        remedy := format('ALTER TABLE %s ADD PRIMARY KEY (…)', v_display);
    ELSIF NOT key_columns <@ COALESCE(columns, key_columns) THEN
        fault := 'the columns do not include the key';
        remedy := 'Name the key columns among the columns.';
    ELSIF v_identity = 'f' AND columns IS NOT NULL THEN
        fault := 'its replica identity is FULL: published with some columns only, its UPDATE and DELETE would fail';
        remedy := format('Leave columns out, or: ALTER TABLE %s REPLICA IDENTITY DEFAULT', v_display);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._mirror_key_fault(oid, name[], name[]) IS 'What is wrong with the key a table is to be mirrored by, and what mends it; NULL: nothing.';
