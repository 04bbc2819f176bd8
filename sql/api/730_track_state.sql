-- State Sonar, what it looks at: tables whose rows go through states, declared by their owner.

-- Few values, and a name or a type that says it.
CREATE OR REPLACE FUNCTION asymm._state_columns(relid oid) RETURNS name[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(
        SELECT a.attname
          FROM pg_attribute AS a
          JOIN pg_type AS t ON t.oid = a.atttypid
          JOIN pg_class AS c ON c.oid = a.attrelid
          JOIN pg_namespace AS n ON n.oid = c.relnamespace
          LEFT JOIN pg_stats AS s ON (s.schemaname, s.tablename, s.attname) = (n.nspname, c.relname, a.attname)
         WHERE a.attrelid = relid AND a.attnum > 0 AND NOT a.attisdropped
           AND (t.typtype = 'e' OR a.attname ~* '(^|_)(status|state|stage|phase|step)$' AND t.typcategory IN ('S', 'N', 'B', 'E'))
           -- Negative: a share of the rows.
           AND COALESCE(s.n_distinct, 2) BETWEEN 0 AND 50
           AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = relid AND i.indisprimary AND a.attnum = ANY (i.indkey))
           AND a.attname <> ALL (asymm._protected_columns(relid))
         ORDER BY a.attnum LIMIT 4);
END
$$;
COMMENT ON FUNCTION asymm._state_columns(oid) IS 'Columns that look like the state of a row: enums and those named so, with few values.';

CREATE OR REPLACE FUNCTION asymm._state_declare(relid oid, columns name[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_id bigint;
    v_schema name;
    v_table name;
    v_owner name;
    v_former name[];
BEGIN
    SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner) INTO v_schema, v_table, v_owner
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = $1;
    PERFORM asymm._require_rights(v_owner, format('%I.%I', v_schema, v_table));
    PERFORM asymm._record_place();
    SELECT t.columns INTO v_former FROM asymm.state_table AS t WHERE (t.schema_name, t.table_name) = (v_schema, v_table) FOR UPDATE;
    INSERT INTO asymm.state_table AS t (schema_name, table_name, columns, tracked_by)
    VALUES (v_schema, v_table, $2, asymm._caller())
    ON CONFLICT ON CONSTRAINT state_table_name DO UPDATE SET columns = excluded.columns, tracked_by = excluded.tracked_by
    RETURNING t.id INTO v_id;
    -- Other columns are other states.
    IF v_former <> $2 THEN
        DELETE FROM asymm.state_value AS v WHERE v.table_id = v_id;
        DELETE FROM asymm.state_transition AS v WHERE v.table_id = v_id;
        DELETE FROM asymm.state_stream AS v WHERE v.table_id = v_id;
        UPDATE asymm.state_look AS k SET sample = '[]' WHERE k.table_id = v_id;
    END IF;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION asymm._state_declare(oid, name[]) IS 'Notes a table whose states are to be observed.';

CREATE OR REPLACE FUNCTION asymm.track_state(target regclass, columns name[] DEFAULT NULL)
RETURNS TABLE (object text, state_columns name[], note text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_kind constant text := asymm._require_relation($1);
    v_columns name[] := $2;
    v_missing name;
BEGIN
    IF v_kind <> 'table' THEN
        RAISE EXCEPTION '"%" has no rows of its own', $1
            USING ERRCODE = 'wrong_object_type', DETAIL = format('It is a %s.', v_kind), HINT = 'Name a table.';
    ELSIF v_columns IS NULL THEN
        v_columns := asymm._state_columns($1);
        IF cardinality(v_columns) = 0 THEN
            RAISE EXCEPTION 'no column of "%" looks like a state', $1
                USING ERRCODE = 'undefined_column',
                      DETAIL = 'Looked for enums and for columns named …status, …state, …stage, …phase or …step with at most 50 values.',
                      HINT = format('Name them: SELECT * FROM asymm.track_state(%L, ''{some_column}'')', $1::text);
        END IF;
    ELSIF array_position(v_columns, NULL) IS NOT NULL OR cardinality(v_columns) NOT BETWEEN 1 AND 4
          OR cardinality(v_columns) <> (SELECT count(DISTINCT c) FROM unnest(v_columns) AS c) THEN
        RAISE EXCEPTION 'not a list of columns: %', v_columns
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'One to four different columns make a state.',
                  HINT = format('SELECT * FROM asymm.track_state(%L) proposes some.', $1::text);
    END IF;
    SELECT c INTO v_missing FROM unnest(v_columns) AS c
     WHERE NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = $1 AND a.attname = c AND a.attnum > 0 AND NOT a.attisdropped) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'column "%" of "%" does not exist', v_missing, $1
            USING ERRCODE = 'undefined_column', DETAIL = 'Names are case-sensitive here.',
                  HINT = format('SELECT * FROM asymm.track_state(%L) proposes some.', $1::text);
    END IF;
    SELECT c INTO v_missing FROM unnest(v_columns) AS c WHERE c = ANY (asymm._protected_columns($1)) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'column "%" of "%" is protected', v_missing, $1
            USING ERRCODE = 'SY020', DETAIL = 'States are values of rows, and they are kept.',
                  HINT = 'Observe other columns, or SELECT * FROM asymm.unprotect(…) first.';
    END IF;
    PERFORM asymm._state_declare($1, v_columns);
    RETURN QUERY SELECT format('%I.%I', n.nspname, c.relname), v_columns,
           CASE WHEN cardinality(asymm._state_key($1)) IS NULL
                THEN 'without a primary key of built-in types no change of a state can be followed; states are counted' END
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = $1;
END
$$;
COMMENT ON FUNCTION asymm.track_state(regclass, name[])
    IS 'Has State Sonar observe the states of a table''s rows: values of these columns together; NULL: those that look like it. Nothing is added to the table. Raises 42703, 42809, 22023, 42501 or SY020.';

CREATE OR REPLACE FUNCTION asymm.untrack_state(target text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_parts text[] := parse_ident(asymm._require_text(target, 'target'));
    v_id bigint;
    v_entity text;
    v_owner name;
BEGIN
    SELECT t.id, format('%I.%I', t.schema_name, t.table_name), pg_get_userbyid(c.relowner) INTO v_id, v_entity, v_owner
      FROM asymm.state_table AS t
      LEFT JOIN (pg_namespace AS n JOIN pg_class AS c ON c.relnamespace = n.oid) ON (n.nspname, c.relname) = (t.schema_name, t.table_name)
     WHERE CASE cardinality(v_parts) WHEN 2 THEN (t.schema_name, t.table_name) = (v_parts[1], v_parts[2])
                                     WHEN 1 THEN t.table_name = v_parts[1] END;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- What is gone belongs to nobody any more.
    IF v_owner IS NOT NULL THEN
        PERFORM asymm._require_rights(v_owner, v_entity);
    END IF;
    DELETE FROM asymm.state_table AS t WHERE t.id = v_id;
    PERFORM asymm._close_findings('state', '{}', v_entity || ' ');
    RETURN true;
END
$$;
COMMENT ON FUNCTION asymm.untrack_state(text) IS 'Ends what asymm.track_state() began; false when there was nothing. What was seen is forgotten.';
