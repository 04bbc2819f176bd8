-- Reading entities, with the rights of who asks: SELECT on the tables, and whatever policies an administrator put on them.

CREATE OR REPLACE FUNCTION asymm._entity_at(id text, version bigint) RETURNS SETOF asymm._entity
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT d.* FROM asymm.data_entity AS d WHERE d.id = _entity_at.id AND d.version = _entity_at.version;
    IF NOT FOUND THEN
        RETURN QUERY
            SELECT h.id, h.value, h.annotations, h.version, h.content_hash, h.created_at, h.created_by, h.changed_at, h.changed_by
              FROM asymm.data_entity_history AS h WHERE h.id = _entity_at.id AND h.version = _entity_at.version;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._entity_at(text, bigint) IS 'An entity as it was at a version, if that is kept.';

-- Reading writes where reads are recorded: so all of these are volatile.
CREATE OR REPLACE FUNCTION asymm.get_entity(id text) RETURNS SETOF asymm._entity
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_text(id, 'id');
    RETURN QUERY SELECT d.* FROM asymm.data_entity AS d WHERE d.id = get_entity.id;
    IF asymm._records_reads() THEN
        PERFORM asymm._record_read('entity', id, CASE WHEN FOUND THEN ARRAY[id] ELSE '{}' END);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm.get_entity(text)
    IS 'An entity, or no row if there is none. Needs SELECT on asymm.data_entity. In the audit if audit_reads is on (configure_entities). Raises 22004, 22023, 25006.';

CREATE OR REPLACE FUNCTION asymm._entity_versions(id text)
RETURNS TABLE (version bigint, value jsonb, annotations jsonb, content_hash bytea, changed_at timestamptz, changed_by name,
               until timestamptz, deleted boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT h.version, h.value, h.annotations, h.content_hash, h.changed_at, h.changed_by, h.until, h.value IS NULL
          FROM asymm.data_entity_history AS h WHERE h.id = $1
        UNION ALL
        SELECT d.version, d.value, d.annotations, d.content_hash, d.changed_at, d.changed_by, NULL, false
          FROM asymm.data_entity AS d WHERE d.id = $1
         ORDER BY 1;
END
$$;
COMMENT ON FUNCTION asymm._entity_versions(text) IS 'The versions of an entity that are kept, the oldest first.';

CREATE OR REPLACE FUNCTION asymm.entity_history(id text)
RETURNS TABLE (version bigint, value jsonb, annotations jsonb, content_hash bytea, changed_at timestamptz, changed_by name,
               until timestamptz, deleted boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_count bigint;
BEGIN
    PERFORM asymm._require_text($1, 'id');
    RETURN QUERY SELECT v.* FROM asymm._entity_versions($1) AS v;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF asymm._records_reads() THEN
        PERFORM asymm._record_read('history', $1, array_fill($1, ARRAY[v_count::integer]));
    END IF;
END
$$;
COMMENT ON FUNCTION asymm.entity_history(text)
    IS 'The versions of an entity that are kept, the oldest first, with who made them and until when they held; a deletion is a version without a value. Needs SELECT on asymm.data_entity and asymm.data_entity_history. In the audit if audit_reads is on. Raises 22004, 22023, 25006.';

CREATE OR REPLACE FUNCTION asymm._annotation_filter(annotation jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_names constant jsonb := '{"symbol": "σ", "scope": "ρ", "regime": "γ", "cost": "κ", "lineage": "λ", "σ": "σ", "ρ": "ρ", "γ": "γ",
                                "κ": "κ", "λ": "λ", "weight": "weight"}';
    v_filter jsonb;
BEGIN
    IF jsonb_typeof(annotation) <> 'object' OR EXISTS (SELECT FROM jsonb_object_keys(annotation) AS k WHERE NOT v_names ? k) THEN
        RAISE EXCEPTION 'not a part of an annotation: %', left(annotation::text, 100)
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Keys are σ ρ γ κ λ (or symbol, scope, regime, cost, lineage) and weight.',
                  HINT = 'Example: annotation => ''{"σ": "dataEntity", "λ": ["sync"]}''';
    END IF;
    SELECT jsonb_object_agg(v_names ->> a.key,
                            CASE WHEN v_names ->> a.key = 'κ' THEN to_jsonb(asymm.to_cost(a.value #>> '{}'))
                                 -- One entry of the lineage may be named by itself.
                                 WHEN v_names ->> a.key = 'λ' AND jsonb_typeof(a.value) <> 'array' THEN jsonb_build_array(a.value)
                                 ELSE a.value END) INTO v_filter
      FROM jsonb_each(annotation) AS a;
    RETURN COALESCE(v_filter, '{}');
END
$$;
COMMENT ON FUNCTION asymm._annotation_filter(jsonb) IS 'A part of an annotation as entities hold it: Greek keys, the usual spelling of costs. Raises 22023.';

-- A path that is a condition by itself ($.n > 3) always has a result, true or false; of another (… ? (@.n > 3)) what it finds counts.
CREATE OR REPLACE FUNCTION asymm._find_entities(path jsonpath, contains jsonb, annotation jsonb, after text, most integer)
RETURNS SETOF asymm._entity
LANGUAGE plpgsql STABLE PARALLEL SAFE
-- Planned for what is asked: only so is the index used for one of the conditions and not for what is not there.
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    v_annotation constant jsonb := asymm._annotation_filter(annotation);
    v_condition constant boolean := jsonb_typeof(jsonb_path_query_first('{}', path, '{}', true)) IN ('boolean', 'null');
    v_true constant jsonpath := CASE WHEN v_condition THEN path END;
    v_finds constant jsonpath := CASE WHEN v_condition IS NOT TRUE THEN path END;
BEGIN
    IF (most BETWEEN 1 AND 10000) IS NOT TRUE THEN
        RAISE EXCEPTION 'argument "most" is not 1 to 10,000'
            USING ERRCODE = CASE WHEN most IS NULL THEN 'null_value_not_allowed' ELSE 'invalid_parameter_value' END,
                  DETAIL = format('Seen: %s.', most), HINT = 'Ask on from the last id of a full answer: after => ''…''.';
    END IF;
    RETURN QUERY
        SELECT d.* FROM asymm.data_entity AS d
         WHERE (v_true IS NULL OR d.value @@ v_true)
           AND (v_finds IS NULL OR d.value @? v_finds)
           AND (contains IS NULL OR d.value @> contains)
           AND (v_annotation IS NULL OR d.annotations @> v_annotation)
           AND (after IS NULL OR d.id > after)
         ORDER BY d.id LIMIT most;
END
$$;
COMMENT ON FUNCTION asymm._find_entities(jsonpath, jsonb, jsonb, text, integer) IS 'What query_entities() finds.';

CREATE OR REPLACE FUNCTION asymm.query_entities(
    path jsonpath DEFAULT NULL, contains jsonb DEFAULT NULL, annotation jsonb DEFAULT NULL, after text DEFAULT NULL, most integer DEFAULT 100)
RETURNS SETOF asymm._entity
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm._entity;
    v_found text[] := '{}';
BEGIN
    IF NOT asymm._records_reads() THEN
        RETURN QUERY SELECT f.* FROM asymm._find_entities(path, contains, annotation, after, most) AS f;
        RETURN;
    END IF;
    FOR v IN SELECT f.* FROM asymm._find_entities(path, contains, annotation, after, most) AS f LOOP
        v_found := v_found || v.id;
        RETURN NEXT v;
    END LOOP;
    PERFORM asymm._record_read('entities', NULL, v_found);
END
$$;
COMMENT ON FUNCTION asymm.query_entities(jsonpath, jsonb, jsonb, text, integer)
    IS 'Entities whose value meets a JSON path (a condition, or one that finds something), contains a JSON value, and whose annotations hold a part; all that are given, in the order of ids, at most 100 (most), those after an id. Needs SELECT on asymm.data_entity. In the audit, with the ids found, if audit_reads is on. Raises 22004, 22023, 25006.';
