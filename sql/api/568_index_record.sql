-- From advice to a row of the ledger, with the statement and its inverse.

-- The statements of an action on an index. They can't run in a transaction; a builder runs each as a command of its own.
CREATE OR REPLACE FUNCTION asymm._index_steps(
    kind text, table_kind text, table_schema text, table_name text, index_name text, definition text, size bigint) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_make text := regexp_replace(definition, '^CREATE (UNIQUE )?INDEX ', 'CREATE \1INDEX CONCURRENTLY ');
    v_drop text := format('DROP INDEX CONCURRENTLY %I.%I', table_schema, index_name);
BEGIN
    RETURN jsonb_build_array(jsonb_build_object(
        'step', 1, 'kind', table_kind, 'object', asymm._object_identity(table_kind, table_schema, table_name), 'schema', table_schema,
        'called', table_name, 'part', 'index', 'name', index_name,
        'forward', CASE kind WHEN 'create index' THEN v_make WHEN 'drop index' THEN v_drop
                             ELSE format('REINDEX INDEX CONCURRENTLY %I.%I', table_schema, index_name) END,
        'inverse', CASE kind WHEN 'create index' THEN v_drop WHEN 'drop index' THEN v_make END,
        'lock_class', 'SHARE UPDATE EXCLUSIVE', 'precondition', NULL,
        'hazards', CASE WHEN kind = 'drop index' THEN '[]'::jsonb ELSE jsonb_build_array('builds index') END));
END
$$;
COMMENT ON FUNCTION asymm._index_steps(text, text, text, text, text, text, bigint) IS 'Statement and inverse of an action on an index, as the ledger keeps steps.';

-- Why an index must not be dropped by advice, or NULL.
CREATE OR REPLACE FUNCTION asymm._index_needed(index_id oid) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT CASE WHEN x.indisprimary OR x.indisunique OR x.indisexclusion THEN 'it keeps rows unique'
                    WHEN x.indisreplident THEN 'it is the replica identity'
                    WHEN x.indisclustered THEN 'the table is clustered by it'
                    WHEN i.relkind = 'I' OR i.relispartition THEN 'it belongs to a partitioned table'
                    WHEN EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = _index_needed.index_id) THEN 'a constraint uses it'
                    WHEN EXISTS (SELECT FROM pg_depend AS d
                                  WHERE d.classid = 'pg_class'::regclass AND d.objid = _index_needed.index_id AND d.deptype IN ('e', 'i')
                                     OR d.refclassid = 'pg_class'::regclass AND d.refobjid = _index_needed.index_id)
                        THEN 'something depends on it' END
          FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid WHERE x.indexrelid = _index_needed.index_id);
END
$$;
COMMENT ON FUNCTION asymm._index_needed(oid) IS 'Why an index is more than a way to find rows; NULL when it can be dropped.';

-- The definition as the server prints it leaves out the tablespace.
CREATE OR REPLACE FUNCTION asymm._index_in_place(index_id oid) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT CASE WHEN t.spcname IS NULL THEN d.text
                    ELSE concat_ws(' ', left(d.text, -COALESCE(length(w.text), 0)) || format(' TABLESPACE %I', t.spcname), ltrim(w.text)) END
          FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
          LEFT JOIN pg_tablespace AS t ON t.oid = i.reltablespace
         CROSS JOIN LATERAL pg_get_indexdef(x.indexrelid) AS d (text)
          LEFT JOIN LATERAL (SELECT ' WHERE ' || pg_get_expr(x.indpred, x.indrelid) AS text) AS w ON x.indpred IS NOT NULL
         WHERE x.indexrelid = index_id);
END
$$;
COMMENT ON FUNCTION asymm._index_in_place(oid) IS 'The definition of an index with its tablespace, if it has one of its own.';

-- What an index has that CREATE INDEX doesn't give it back, or the caller couldn't.
CREATE OR REPLACE FUNCTION asymm._index_notes(index_id oid) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT jsonb_strip_nulls(jsonb_build_object('comment', obj_description(i.oid, 'pg_class'),
                   'statistics', (SELECT jsonb_object_agg(a.attnum, a.attstattarget) FROM pg_attribute AS a
                                   WHERE a.attrelid = i.oid AND a.attnum > 0 AND a.attstattarget >= 0),
                   'tablespace', (SELECT t.spcname FROM pg_tablespace AS t
                                   WHERE t.oid = i.reltablespace AND NOT has_tablespace_privilege(asymm._caller(), t.oid, 'CREATE'))))
          FROM pg_class AS i WHERE i.oid = index_id);
END
$$;
COMMENT ON FUNCTION asymm._index_notes(oid) IS 'Comment and statistics targets of an index, and its tablespace where the caller may make none in it: what is lost when it is dropped.';

CREATE OR REPLACE FUNCTION asymm._is_refused(action asymm.action) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN action.state IN ('rejected', 'reverted') AND action.changed_at > clock_timestamp() - (asymm._settings()).retention
           OR action.state = 'failed' AND action.changed_at > clock_timestamp() - interval '1 day';
END
$$;
COMMENT ON FUNCTION asymm._is_refused(asymm.action) IS 'Whether an action was rejected, taken back or not possible, lately enough for it not to be tried again.';

-- The action there is for the same index, if there is nothing new to say: open, kept, or refused within the retention.
CREATE OR REPLACE FUNCTION asymm._same_index_action(kind text, relation oid, shape text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.id FROM asymm.index_action AS i JOIN asymm.action AS a ON a.id = i.action_id
     WHERE i.relid = relation AND i.shape = _same_index_action.shape AND a.kind = _same_index_action.kind
       AND (a.state IN ('proposed', 'approved', 'applying', 'applied', 'reverting')
            OR asymm._is_refused(a)
            OR a.state = 'verified' AND a.kind = 'create index' AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = i.index_id)
            OR a.state = 'verified' AND a.kind = 'reindex' AND a.changed_at > clock_timestamp() - interval '7 days')
     ORDER BY a.id DESC LIMIT 1
$$;
COMMENT ON FUNCTION asymm._same_index_action(text, oid, text) IS 'The action that makes another proposal of the same index needless.';

CREATE OR REPLACE FUNCTION asymm._record_index(kind text, advice jsonb, strange text[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_relation record := asymm._advice_relation(advice);
    v_parts record;
    v_schema text := advice ->> 'schema';
    v_name text := NULLIF(btrim(advice ->> 'index'), '');
    v_index oid;
    v_tail text;
    v_shape text;
    v_definition text;
    v_hold text;
    v_document jsonb;
    v_id bigint;
BEGIN
    PERFORM asymm._require_rights(v_relation.owner, v_relation.display);
    PERFORM asymm._require_evidence(advice);
    IF kind = 'create index' THEN
        v_parts := asymm._advice_parts(v_relation.relation, advice);
        IF strange IS NOT NULL THEN
            RAISE EXCEPTION 'the index would run functions of others as the owner of the table'
                USING ERRCODE = 'insufficient_privilege', DETAIL = format('Functions: %s.', array_to_string(strange, ', ')),
                      HINT = 'Nothing was written. A function that is to be indexed belongs to the owner of the table.';
        END IF;
        v_tail := format('%I.%I USING %I (%s)', v_schema, advice ->> 'table', v_parts.method, array_to_string(v_parts.keys, ', '))
                  || CASE WHEN v_parts.include <> '{}' THEN format(' INCLUDE (%s)', array_to_string(v_parts.include, ', ')) ELSE '' END
                  || CASE WHEN v_parts.predicate IS NOT NULL THEN ' WHERE ' || v_parts.predicate ELSE '' END;
        v_shape := v_tail;
        IF EXISTS (SELECT FROM pg_index AS x WHERE x.indrelid = v_relation.relation AND x.indisvalid
                      AND translate(asymm._index_shape(x.indexrelid), '() ', '') = translate(v_tail, '() ', '')) THEN
            RETURN NULL;
        END IF;
        -- It was built while the search that wants a narrower one was under way.
        IF advice ? 'search' AND EXISTS (
               SELECT FROM asymm._index_parts(v_relation.relation) AS e
                WHERE e.method = v_parts.method AND e.predicate IS NOT DISTINCT FROM asymm._same_key(v_parts.predicate)
                  AND e.keys[:cardinality(v_parts.keys)] = ARRAY(SELECT asymm._same_key(k.key) FROM unnest(v_parts.keys) WITH ORDINALITY AS k (key, n)
                                                                  ORDER BY k.n)
                  AND e.include || e.keys @> v_parts.include) THEN
            RETURN NULL;
        END IF;
    ELSIF asymm._is_index_kind(kind) THEN
        SELECT x.indexrelid INTO v_index
          FROM pg_index AS x JOIN pg_class AS c ON c.oid = x.indexrelid
         WHERE x.indrelid = v_relation.relation AND c.relname = v_name;
        IF v_index IS NULL THEN
            RAISE EXCEPTION 'index "%" of % does not exist', v_name, v_relation.display
                USING ERRCODE = 'undefined_object', DETAIL = 'The advice is about an index that is not there, or not any more.',
                      HINT = 'Ask for advice anew.';
        END IF;
        v_hold := asymm._index_needed(v_index);
        IF kind = 'drop index' AND v_hold IS NOT NULL THEN
            PERFORM asymm._refuse_advice(format('index %I is needed: %s', v_name, v_hold), 'Drop by hand what it is needed for.');
        END IF;
        v_definition := pg_get_indexdef(v_index);
        v_shape := v_index || ' ' || asymm._index_shape(v_index);
    ELSE
        PERFORM asymm._refuse_advice(format('kind %s', quote_nullable(left(kind, 200))), 'create index, drop index or reindex.');
    END IF;
    -- One proposal at a time for the same index.
    PERFORM pg_advisory_xact_lock('asymm.index_action'::regclass::oid::integer, hashtext(v_relation.relation || v_shape));
    v_id := asymm._same_index_action(kind, v_relation.relation, v_shape);
    -- What the ledger itself notes there is no advice.
    v_document := advice - '{definition,built,called,lost,explored,corrected_ms_per_hour,uncertainty,error}'::text[];
    IF v_id IS NOT NULL THEN
        -- What it is good for is known better now.
        UPDATE asymm.action AS a SET evidence_before = a.evidence_before || (v_document - 'index')
         WHERE a.id = v_id AND a.state IN ('proposed', 'approved');
        RETURN CASE WHEN FOUND THEN v_id END;
    END IF;
    IF kind = 'drop index' THEN
        v_document := v_document || jsonb_build_object('lost', NULLIF(asymm._index_notes(v_index), '{}'));
    ELSIF kind = 'create index' THEN
        v_name := asymm._free_index_name(v_schema, COALESCE(v_name, concat_ws('_', advice ->> 'table',
            (SELECT string_agg(left(regexp_replace(k, '\W+', '_', 'g'), 20), '_') FROM unnest(v_parts.keys) AS k), 'idx')));
        v_definition := format('CREATE INDEX %I ON %s', v_name, v_tail);
    END IF;
    v_hold := asymm._index_hold(kind, v_relation.relation, v_document);
    INSERT INTO asymm.action (kind, target, object_kind, schema_name, object_name, owner, state, reason, requested_by, steps, evidence_before, due_at)
    VALUES (kind, v_relation.display, v_relation.kind, v_schema, advice ->> 'table', v_relation.owner,
            CASE WHEN v_hold IS NULL THEN 'approved' ELSE 'proposed' END, COALESCE(v_hold, 'autopilot'), asymm._caller(),
            asymm._index_steps(kind, v_relation.kind, v_schema, advice ->> 'table', v_name,
                               COALESCE(asymm._index_in_place(v_index), v_definition), (advice ->> 'size_bytes')::numeric::bigint),
            v_document || jsonb_build_object('definition', v_definition, 'called', advice -> 'index'), 'infinity')
    RETURNING id INTO v_id;
    INSERT INTO asymm.index_action (action_id, relid, index_schema, index_name, index_id, shape, requires)
    VALUES (v_id, v_relation.relation, v_schema, v_name, v_index, v_shape,
            ARRAY(SELECT jsonb_array_elements_text(CASE WHEN jsonb_typeof(advice -> 'requires') = 'array' THEN advice -> 'requires' ELSE '[]' END)));
    INSERT INTO asymm.action_event (action_id, to_state, by_role, note)
    SELECT v_id, a.state, asymm._caller(), a.reason FROM asymm.action AS a WHERE a.id = v_id;
    IF kind = 'create index' THEN
        PERFORM asymm._predict_gain(v_id, v_document || jsonb_build_object('definition', v_definition));
    END IF;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION asymm._record_index(text, jsonb, text[]) IS 'Writes advice on an index to the ledger, with names looked up and the statement made anew; NULL when there is nothing new.';

-- Parsing needs the rights of who proposes, and gives him none.
CREATE OR REPLACE FUNCTION asymm._propose_index(kind text, advice jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY INVOKER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_relation record;
    v_parts record;
    v_strange text[];
BEGIN
    PERFORM asymm._require_text(kind, 'kind');
    PERFORM asymm._require_text(advice::text, 'advice');
    IF kind = 'create index' THEN
        v_relation := asymm._advice_relation(advice);
        v_parts := asymm._advice_parts(v_relation.relation, advice);
        v_strange := asymm._strange_functions(v_relation.relation, v_parts.expressions, v_parts.predicate);
    END IF;
    RETURN asymm._record_index(kind, advice, v_strange);
END
$$;
COMMENT ON FUNCTION asymm._propose_index(text, jsonb)
    IS 'Puts advice on an index into the ledger: proposed, or approved where autopilot may; the action, or NULL when the same is there or was refused. Raises 22004, 22023, 42P01, 42704, 42809, 42501.';
