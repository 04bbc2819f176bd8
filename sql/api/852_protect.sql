-- protect() and unprotect(): which columns are sensitive. What is kept of them already goes with the declaration.

CREATE OR REPLACE FUNCTION asymm._require_protectable(target regclass, column_name name, method text) RETURNS smallint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_kind text;
    v_class pg_class;
    v_column pg_attribute;
BEGIN
    PERFORM asymm._require_text(column_name, 'column_name');
    IF asymm._require_text(method, 'method') NOT IN ('hash', 'mask', 'deny') THEN
        RAISE EXCEPTION 'method "%" does not exist', method
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'A masked view shows of the column: hash: tokens of the driver only; mask: how it begins; deny: nothing.',
                  HINT = format('SELECT * FROM asymm.protect(%L, %L, ''mask'')', target, column_name);
    END IF;
    v_kind := asymm._require_relation(target);
    SELECT c.* INTO v_class FROM pg_class AS c WHERE c.oid = target;
    IF v_kind NOT IN ('table', 'foreign table') THEN
        RAISE EXCEPTION '"%" holds no values of its own', target
            USING ERRCODE = 'wrong_object_type', DETAIL = format('It is a %s.', v_kind),
                  HINT = 'Protect the column of the table behind it: what is read through views is noticed.';
    END IF;
    PERFORM asymm._require_rights(pg_get_userbyid(v_class.relowner), target::text);
    SELECT a.* INTO v_column FROM pg_attribute AS a
     WHERE a.attrelid = target AND a.attname = _require_protectable.column_name AND a.attnum > 0 AND NOT a.attisdropped;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'column "%" of "%" does not exist', column_name, target
            USING ERRCODE = 'undefined_column', DETAIL = 'Names are case-sensitive here.',
                  HINT = format('SELECT attname FROM pg_attribute WHERE attrelid = %L::regclass AND attnum > 0; lists them.', target);
    ELSIF v_column.attinhcount > 0 THEN
        RAISE EXCEPTION 'column "%" of "%" is inherited', column_name, target
            USING ERRCODE = 'wrong_object_type', DETAIL = 'Rows are read through the table above, too.',
                  HINT = format('SELECT * FROM asymm.protect(%L, %L, %L)', (
                      SELECT i.inhparent::regclass::text FROM pg_inherits AS i
                        JOIN pg_attribute AS a ON a.attrelid = i.inhparent AND a.attname = v_column.attname AND NOT a.attisdropped
                       WHERE i.inhrelid = target ORDER BY i.inhseqno LIMIT 1), column_name, method);
    END IF;
    RETURN v_column.attnum;
END
$$;
COMMENT ON FUNCTION asymm._require_protectable(regclass, name, text)
    IS 'The number of a column that the caller may protect; raises 22004, 22023, 42P01, 42809, 42703 or 42501 otherwise.';

-- What was kept before anybody said that it is sensitive. Statements are collected anew, as far as they don't touch it.
CREATE OR REPLACE FUNCTION asymm._purge_protected(relid oid, column_name name) RETURNS text[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_done text[] := '{}';
    v_entity text;
    v_count bigint;
    v_action bigint;
BEGIN
    PERFORM asymm._require_rights((SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = relid), relid::regclass::text);
    SELECT format('%I.%I', n.nspname, c.relname) INTO v_entity
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = relid;
    UPDATE asymm.query_look AS k SET touched = NULL WHERE k.touched IS NOT NULL;
    DELETE FROM asymm.query_example;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_done := v_done || CASE WHEN v_count > 0 THEN ARRAY[format('%s examples of statements deleted', v_count)] END;
    UPDATE asymm.query AS q SET statement = asymm._without_constants(q.statement)
     WHERE q.statement IS DISTINCT FROM asymm._without_constants(q.statement);
    UPDATE asymm.advice_query AS q SET statement = 'SELECT', reason = 'not kept: a column was protected meanwhile' WHERE q.literal;
    -- Partial indexes are advised and proposed by what was asked for.
    DELETE FROM asymm.advice_candidate AS c WHERE c.relid = _purge_protected.relid AND strpos(c.predicate, quote_ident(column_name)) > 0;
    FOR v_action IN SELECT a.id FROM asymm.index_action AS i JOIN asymm.action AS a ON a.id = i.action_id
                     WHERE i.relid = _purge_protected.relid AND a.state = 'proposed' AND strpos(i.shape, ' WHERE ') > 0
                       AND strpos(i.shape, quote_ident(column_name)) > 0 LOOP
        PERFORM asymm._set_action_state(v_action, 'expired', 'not kept: a column was protected meanwhile');
        UPDATE asymm.index_action AS i SET shape = '' WHERE i.action_id = v_action;
        UPDATE asymm.action AS a SET steps = '[]', evidence_before = '{}' WHERE a.id = v_action;
        v_done := v_done || format('action %s, a partial index by it, is not proposed any more', v_action);
    END LOOP;
    UPDATE asymm.read_query AS q SET statement = asymm._without_constants(q.statement), tables = '{}';
    DELETE FROM asymm.read_key AS k WHERE EXISTS (SELECT FROM asymm.read_query AS q WHERE q.fingerprint = k.name);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_done := v_done || CASE WHEN v_count > 0 THEN ARRAY[format('%s counts of parameters deleted', v_count)] END;
    UPDATE asymm.ddl_log AS l SET statement = asymm._without_constants(l.statement)
     WHERE asymm._names_protected(l.command_tag, l.statement) AND l.statement <> asymm._without_constants(l.statement);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_done := v_done || CASE WHEN v_count > 0 THEN ARRAY[format('constants of %s statements of the DDL log deleted', v_count)] END;
    UPDATE asymm.finding AS f SET evidence = f.evidence - '{statement,example,plan,condition}'::text[]
     WHERE f.evidence ?| '{statement,example,plan,condition}';
    UPDATE asymm.expectation_state AS s SET blame = s.blame - 'condition' WHERE s.blame ? 'condition';
    UPDATE asymm.expectation AS e SET statement = asymm._without_constants(e.statement) WHERE asymm._names_protected('', e.statement);
    UPDATE asymm.action AS a SET error = asymm._without_values(a.error) WHERE a.error IS NOT NULL;
    DELETE FROM asymm.state_table AS t
     WHERE format('%I.%I', t.schema_name, t.table_name) = v_entity AND _purge_protected.column_name = ANY (t.columns);
    IF FOUND THEN
        PERFORM asymm._close_findings('state', '{}', v_entity || ' ');
        v_done := v_done || format('states of %s are not observed any more', v_entity);
    END IF;
    IF asymm._masked_methods(relid) ->> column_name::text <> 'hash' THEN
        -- A build that finds equal rows has the server write what they hold to its log.
        PERFORM asymm._set_action_state(a.id, 'expired', 'a column of it was protected meanwhile')
           FROM asymm.action AS a JOIN asymm.index_action AS i ON i.action_id = a.id
          WHERE i.relid = _purge_protected.relid AND i.keeps_unique AND a.state IN ('approved', 'failed')
            AND a.evidence_before -> 'compared' ? _purge_protected.column_name::text;
        DELETE FROM asymm.row_print AS p USING asymm.duplicate_watch AS w
         WHERE w.id = p.watch_id AND format('%I.%I', w.schema_name, w.table_name) = v_entity AND _purge_protected.column_name = ANY (w.columns);
        DELETE FROM asymm.duplicate_watch AS w
         WHERE format('%I.%I', w.schema_name, w.table_name) = v_entity AND _purge_protected.column_name = ANY (w.columns);
        v_done := v_done || CASE WHEN FOUND THEN ARRAY[format('duplicates of %s are not watched any more', v_entity)] END;
    END IF;
    UPDATE asymm.state_look AS k SET sample = '[]'
      FROM asymm.state_table AS t WHERE t.id = k.table_id AND format('%I.%I', t.schema_name, t.table_name) = v_entity;
    IF EXISTS (SELECT FROM asymm.mirror_table) THEN
        -- Kept results and pages may hold it; which ones nobody has noted.
        PERFORM pg_logical_emit_message(true, 'asymm', '{"any": "protect", "purge": true}');
        v_done := v_done || 'results and pages in Redis are deleted by the worker'::text;
    END IF;
    RETURN v_done;
END
$$;
COMMENT ON FUNCTION asymm._purge_protected(oid, name) IS 'Deletes what was kept of statements and states that may hold a column''s values; tells what it did.';

CREATE OR REPLACE FUNCTION asymm._protect_declare(relid oid, attnum smallint, method text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_id bigint;
BEGIN
    PERFORM asymm._require_rights((SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = relid), relid::regclass::text);
    -- Names are as they are now, whatever the last declaration saw.
    PERFORM asymm._protected_follow();
    INSERT INTO asymm.protected_column AS p (schema_name, table_name, column_name, method, protected_by)
    SELECT n.nspname, c.relname, a.attname, _protect_declare.method, asymm._caller()
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid
     WHERE c.oid = _protect_declare.relid AND a.attnum = _protect_declare.attnum
    ON CONFLICT ON CONSTRAINT protected_column_name DO UPDATE
       SET method = EXCLUDED.method, protected_by = EXCLUDED.protected_by, protected_at = EXCLUDED.protected_at
    RETURNING p.id INTO v_id;
    INSERT INTO asymm.protected_place AS l VALUES (v_id, _protect_declare.relid, _protect_declare.attnum)
    ON CONFLICT (protected_id) DO UPDATE SET relid = EXCLUDED.relid, attnum = EXCLUDED.attnum;
    PERFORM asymm._protected_follow();
END
$$;
COMMENT ON FUNCTION asymm._protect_declare(oid, smallint, text) IS 'Notes a protected column.';

CREATE OR REPLACE FUNCTION asymm.protect(target regclass, column_name name, method text DEFAULT 'mask')
RETURNS TABLE (object text, protected_column name, protection text, done text[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_number smallint;
    v_kept jsonb;
BEGIN
    IF target IS NULL THEN
        PERFORM asymm._require_text(NULL, 'target');
    END IF;
    v_number := asymm._require_protectable(target, column_name, method);
    v_kept := asymm._mirrored_as(target);
    IF v_kept -> 'key' ? column_name THEN
        RAISE EXCEPTION 'column "%" of "%" is in the key of its mirror', column_name, target
            USING ERRCODE = 'SY020', DETAIL = 'Its values are the names of keys in Redis, and of what is counted by key.',
                  HINT = format('SELECT * FROM asymm.unmirror(%L); then protect it. Or mirror the table by another key.', target::text);
    END IF;
    PERFORM asymm._protect_declare(target, v_number, method);
    done := asymm._purge_protected(target, column_name);
    IF v_kept -> 'columns' ? column_name THEN
        PERFORM asymm.mirror((v_kept ->> 'relid')::oid::regclass, ARRAY(SELECT k::name FROM jsonb_array_elements_text(v_kept -> 'key') AS k),
                             ARRAY(SELECT k::name FROM jsonb_array_elements_text(v_kept -> 'columns') AS k
                                    WHERE k <> ALL (asymm._protected_columns((v_kept ->> 'relid')::oid))),
                             v_kept ->> 'format', (v_kept ->> 'ttl')::interval);
        done := done || format('%s is mirrored anew without it', v_kept ->> 'object');
    END IF;
    done := done || asymm._remake_masked_view(target);
    SELECT format('%I.%I', n.nspname, c.relname) INTO object
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = target;
    protected_column := column_name;
    protection := method;
    PERFORM asymm._audit('protect', object, jsonb_build_object('column', column_name, 'method', method));
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION asymm.protect(regclass, name, text)
    IS 'Declares a column sensitive: its values never reach Redis, telemetry, the ledger or kept statements, and what is there goes. A masked view shows of it: hash (tokens of the driver only), mask (how it begins) or deny (nothing). done tells what was taken away. Raises 22004, 22023, 42P01, 42809, 42703, 42501, SY013, SY020.';

-- The mirror of the whole, where the table is a part of one.
CREATE OR REPLACE FUNCTION asymm._mirrored_as(relid oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT jsonb_build_object('relid', c.oid::bigint, 'object', c.oid::regclass::text, 'key', to_jsonb(m.key_columns),
                                      'columns', to_jsonb(asymm._mirror_columns(c.oid, m.columns)), 'format', m.format, 'ttl', m.ttl)
              FROM asymm.mirror_table AS m
              JOIN pg_namespace AS n ON n.nspname = m.schema_name
              JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = m.table_name
             WHERE c.oid = COALESCE(pg_partition_root(_mirrored_as.relid::regclass)::oid, _mirrored_as.relid));
END
$$;
COMMENT ON FUNCTION asymm._mirrored_as(oid) IS 'How a table, or the whole it is a partition of, is mirrored: {relid, object, key, columns, format, ttl}; NULL: not.';

CREATE OR REPLACE FUNCTION asymm._protect_forget(target text, column_name name, OUT object text, OUT relid oid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_name record;
    v_ids bigint[];
    v asymm.protected_column;
BEGIN
    PERFORM asymm._require_text(target, 'target');
    PERFORM asymm._require_text(column_name, 'column_name');
    PERFORM asymm._protected_follow();
    v_name := asymm._read_name(target);
    v_ids := ARRAY(SELECT p.id FROM asymm.protected_column AS p
                    WHERE p.table_name = v_name.name AND (v_name.schema_name IS NULL OR p.schema_name = v_name.schema_name)
                      AND p.column_name = _protect_forget.column_name);
    IF cardinality(v_ids) <> 1 THEN
        RAISE EXCEPTION 'column "%" of "%" %', column_name, target, CASE WHEN v_ids = '{}' THEN 'is not protected' ELSE 'is ambiguous' END
            USING ERRCODE = CASE WHEN v_ids = '{}' THEN 'undefined_object' ELSE 'ambiguous_function' END,
                  DETAIL = format('%s columns of that name are protected.', cardinality(v_ids)),
                  HINT = 'SELECT object, column_name FROM asymm.protected; lists them.';
    END IF;
    SELECT p.* INTO v FROM asymm.protected_column AS p WHERE p.id = v_ids[1];
    object := format('%I.%I', v.schema_name, v.table_name);
    SELECT c.oid INTO relid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE (n.nspname, c.relname) = (v.schema_name, v.table_name);
    -- What is gone has no owner any more: who protected it may let go.
    PERFORM asymm._require_rights(COALESCE((SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = _protect_forget.relid),
                                           v.protected_by), object);
    DELETE FROM asymm.protected_column AS p WHERE p.id = v.id;
END
$$;
COMMENT ON FUNCTION asymm._protect_forget(text, name) IS 'Removes a declaration; raises 22004, 22023, 42704, 42725 or 42501.';

CREATE OR REPLACE FUNCTION asymm.unprotect(target text, column_name name) RETURNS TABLE (object text, unprotected_column name, done text[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_relid oid;
BEGIN
    SELECT f.object, f.relid INTO object, v_relid FROM asymm._protect_forget(target, column_name) AS f;
    done := CASE WHEN v_relid IS NOT NULL THEN asymm._remake_masked_view(v_relid) ELSE '{}' END;
    unprotected_column := column_name;
    PERFORM asymm._audit('unprotect', object, jsonb_build_object('column', column_name));
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION asymm.unprotect(text, name)
    IS 'Takes a declaration of asymm.protect() back: masked views show the column again; a mirror stays without it until asymm.mirror() is called. Raises 22004, 22023, 42704, 42725, 42501.';
