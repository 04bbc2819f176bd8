-- Advice in the ledger.

CREATE OR REPLACE FUNCTION asymm._is_index_kind(kind text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT kind IN ('create index', 'drop index', 'reindex') $$;
COMMENT ON FUNCTION asymm._is_index_kind(text) IS 'Whether actions of a kind are carried out by the builder.';

-- Asking for the size of a table waits for whoever has locked it: as it was last seen will do then.
CREATE OR REPLACE FUNCTION asymm._table_bytes(relation oid) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '20ms'
AS $$
BEGIN
    -- What is partitioned is as large as its parts; they are not locked for it, as pg_partition_tree() would.
    IF EXISTS (SELECT FROM pg_class AS c WHERE c.oid = relation AND c.relkind = 'p') THEN
        RETURN (SELECT COALESCE(sum(asymm._table_bytes(i.inhrelid)), 0) FROM pg_inherits AS i WHERE i.inhparent = relation);
    END IF;
    RETURN pg_relation_size(relation);
EXCEPTION WHEN lock_not_available THEN
    RETURN (SELECT c.relpages::bigint * current_setting('block_size')::bigint FROM pg_class AS c WHERE c.oid = relation);
END
$$;
COMMENT ON FUNCTION asymm._table_bytes(oid) IS 'Size of a table, with its partitions, or of an index in bytes; as vacuum last saw it where it is locked.';

CREATE OR REPLACE FUNCTION asymm._index_budget() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_text text := (asymm._index_settings()).index_budget;
BEGIN
    IF right(v_text, 1) <> '%' THEN
        RETURN pg_size_bytes(v_text);
    END IF;
    RETURN (SELECT COALESCE(sum(asymm._table_bytes(c.oid)), 0) * rtrim(v_text, '%')::numeric / 100
              FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND n.nspname NOT IN ('asymm', 'information_schema', 'cron')
               AND n.nspname NOT LIKE 'pg\_%');
END
$$;
COMMENT ON FUNCTION asymm._index_budget() IS 'Bytes that indexes made by advice may take together (setting index_budget).';

CREATE OR REPLACE FUNCTION asymm._index_bytes(approved boolean DEFAULT true) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(sum(COALESCE(asymm._table_bytes(i.index_id), (a.evidence_before ->> 'size_bytes')::numeric, 0)), 0)::bigint
      FROM asymm.action AS a JOIN asymm.index_action AS i ON i.action_id = a.id
     WHERE a.kind = 'create index' AND NOT i.keeps_unique AND a.state IN ('approved', 'applying', 'applied', 'verified', 'reverting')
       AND (_index_bytes.approved OR a.state <> 'approved' OR a.reason <> 'autopilot')
       AND (a.state IN ('approved', 'applying') OR EXISTS (SELECT FROM pg_class AS c WHERE c.oid = i.index_id AND c.relkind = 'i'))
$$;
COMMENT ON FUNCTION asymm._index_bytes(boolean) IS 'Bytes that indexes made by advice take, with those that autopilot approved or without.';

-- The narrower one goes when the wider one is kept: the budget is not for both.
CREATE OR REPLACE FUNCTION asymm._index_frees(relation oid, method text, keys text[], include text[], predicate text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_keys text[] := ARRAY(SELECT asymm._same_key(k.key) FROM unnest(_index_frees.keys) WITH ORDINALITY AS k (key, n) ORDER BY k.n);
BEGIN
    RETURN (
        SELECT COALESCE(sum(asymm._table_bytes(e.index)), 0)
          FROM asymm._index_parts(relation) AS e
          JOIN asymm.index_action AS i ON i.index_id = e.index
          JOIN asymm.action AS a ON a.id = i.action_id AND a.kind = 'create index' AND a.state = 'verified'
         WHERE e.method = 'btree' AND _index_frees.method = 'btree' AND e.include = '{}' AND e.keys = v_keys[:cardinality(e.keys)]
           AND e.predicate IS NOT DISTINCT FROM asymm._same_key(_index_frees.predicate)
           AND cardinality(v_keys || _index_frees.include) > cardinality(e.keys));
END
$$;
COMMENT ON FUNCTION asymm._index_frees(oid, text, text[], text[], text) IS 'Bytes of indexes made by advice that one so made would stand in for.';

-- Why an action on an index waits for a person, or NULL: what autopilot may do by itself.
CREATE OR REPLACE FUNCTION asymm._index_hold(
    kind text, relation oid, advice jsonb, room bigint DEFAULT asymm._index_budget() - asymm._index_bytes()) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_set asymm.index_setting := asymm._index_settings();
    v_bytes bigint := asymm._table_bytes(relation);
    v_size bigint := COALESCE((advice ->> 'size_bytes')::numeric, 0)::bigint;
    v_paused text := asymm._healing_paused();
    v_owner record;
BEGIN
    IF kind = 'create index' AND v_size > room AND jsonb_typeof(advice -> 'keys') = 'array' THEN
        v_size := v_size - asymm._index_frees(relation, COALESCE(advice ->> 'method', 'btree'),
            ARRAY(SELECT jsonb_array_elements_text(advice -> 'keys')),
            ARRAY(SELECT jsonb_array_elements_text(CASE jsonb_typeof(advice -> 'include') WHEN 'array' THEN advice -> 'include' ELSE '[]' END)),
            advice ->> 'predicate');
    END IF;
    SELECT r.rolname, r.rolsuper INTO v_owner FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner WHERE c.oid = relation;
    RETURN CASE
        WHEN v_set.autopilot <> 'on' THEN format('autopilot is %s', v_set.autopilot)
        WHEN (SELECT c.relkind FROM pg_class AS c WHERE c.oid = relation) = 'p' THEN 'a partitioned table can''t be indexed without locking it'
        WHEN v_paused IS NOT NULL THEN 'healing is paused: ' || v_paused
        WHEN v_owner.rolsuper THEN format('owner "%s" is a superuser, whom no actor may serve', v_owner.rolname)
        WHEN kind = 'create index' AND NOT COALESCE((advice ->> 'proved')::boolean, false)
             AND NOT (v_set.build_unproved AND COALESCE(advice ->> 'method', 'btree') NOT IN ('btree', 'brin') AND asymm._hypopg_schema() IS NOT NULL)
            THEN 'the planner could not be asked whether it would use it'
        WHEN kind = 'drop index' AND jsonb_typeof(advice -> 'lost') = 'object'
            THEN format('taken back it would lack its %s', (SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(advice -> 'lost') AS k))
        WHEN kind = 'drop index' AND advice ? 'standbys' THEN 'there are standbys, whose use of it is not known here'
        WHEN v_bytes > v_set.max_index_build_bytes THEN format('the table (%s) is larger than max_index_build_bytes', pg_size_pretty(v_bytes))
        WHEN kind = 'create index' AND v_size > room
            THEN format('index_budget (%s) is used up', v_set.index_budget) END;
END
$$;
COMMENT ON FUNCTION asymm._index_hold(text, oid, jsonb, bigint) IS 'Why an action on an index needs a person''s approval; NULL when autopilot may approve it.';

-- The relation that advice is about.
CREATE OR REPLACE FUNCTION asymm._advice_relation(advice jsonb, OUT relation oid, OUT kind text, OUT display text, OUT owner name)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_relkind "char";
    v_persistence "char";
    v_schema text := advice ->> 'schema';
BEGIN
    SELECT c.oid, c.relkind, c.relpersistence, r.rolname INTO relation, v_relkind, v_persistence, owner
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_roles AS r ON r.oid = c.relowner
     WHERE n.nspname = v_schema AND c.relname = advice ->> 'table';
    IF relation IS NULL THEN
        RAISE EXCEPTION 'relation "%.%" does not exist', v_schema, advice ->> 'table'
            USING ERRCODE = 'undefined_table', DETAIL = 'The advice is about a table that is not there, or not any more.',
                  HINT = 'Ask for advice anew.';
    END IF;
    kind := asymm._relation_kind(v_relkind);
    display := asymm._object_display(kind, v_schema, advice ->> 'table');
    IF v_relkind NOT IN ('r', 'm', 'p') OR v_persistence = 't' OR v_schema IN ('asymm', 'information_schema') OR v_schema ~ '^pg_'
       OR EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = relation AND d.deptype = 'e') THEN
        RAISE EXCEPTION '% is no table whose indexes are managed', display
            USING ERRCODE = 'wrong_object_type', DETAIL = format('It is a %s.', CASE
                      WHEN v_persistence = 't' THEN 'temporary table' WHEN v_schema ~ '^pg_|^asymm$|^information_schema$' THEN 'system table'
                      WHEN v_relkind IN ('r', 'm', 'p') THEN 'table of an extension' ELSE kind END),
                  HINT = 'Indexes are made on tables and materialized views of your own.';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._advice_relation(jsonb) IS 'Table or materialized view that advice is about; raises 42P01 or 42809.';

-- What an index is made of, so that two of the same are known as such.
CREATE OR REPLACE FUNCTION asymm._index_shape(index_id oid) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT regexp_replace(pg_get_indexdef(index_id), '^CREATE (UNIQUE )?INDEX ("([^"]|"")+"|\S+) ON (ONLY )?', '') $$;
COMMENT ON FUNCTION asymm._index_shape(oid) IS 'The definition of an index without its name.';

CREATE OR REPLACE FUNCTION asymm._free_index_name(schema text, wanted text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_name text;
    v_more text;
BEGIN
    FOR v_place IN 0 .. 1000 LOOP
        v_more := CASE WHEN v_place = 0 THEN '' ELSE '_' || v_place END;
        v_name := wanted;
        WHILE octet_length(v_name) > 63 - length(v_more) LOOP
            v_name := left(v_name, -1);
        END LOOP;
        v_name := v_name || v_more;
        EXIT WHEN NOT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                               WHERE n.nspname = schema AND c.relname = v_name)
              AND NOT EXISTS (SELECT FROM asymm.index_action AS i JOIN asymm.action AS a ON a.id = i.action_id
                               WHERE (i.index_schema, i.index_name) = (schema, v_name)
                                 AND a.kind = 'create index' AND a.state IN ('proposed', 'approved', 'applying'));
    END LOOP;
    RETURN v_name;
END
$$;
COMMENT ON FUNCTION asymm._free_index_name(text, text) IS 'The name wanted, or the next like it that is free.';
