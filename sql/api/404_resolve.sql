-- Names given by callers become objects here, or a clear error.

CREATE OR REPLACE FUNCTION asymm._require_schema(schema name) RETURNS name
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_text(schema::text, 'schema');
    IF NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = schema) THEN
        RAISE EXCEPTION 'schema "%" does not exist', schema
            USING ERRCODE = 'invalid_schema_name', DETAIL = 'No schema of this database has that name.',
                  HINT = 'Names are case-sensitive here: SELECT nspname FROM pg_namespace;';
    ELSIF schema LIKE 'pg\_%' OR schema IN ('information_schema', 'asymm') THEN
        RAISE EXCEPTION 'schema "%" cannot be watched', schema
            USING ERRCODE = 'wrong_object_type', DETAIL = 'It belongs to the system or to this extension.',
                  HINT = 'Watch a schema of your own: asymm.watch_schema(''public'').';
    END IF;
    RETURN schema;
END
$$;
COMMENT ON FUNCTION asymm._require_schema(name) IS 'Returns the schema; raises 3F000 when unknown, 42809 for a system schema.';

CREATE OR REPLACE FUNCTION asymm._require_table(target regclass) RETURNS name
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_row record;
    v_refused text;
BEGIN
    IF target IS NULL THEN
        PERFORM asymm._require_text(NULL, 'target');
    END IF;
    SELECT c.oid, c.relkind, c.relpersistence, c.relname, n.nspname, pg_get_userbyid(c.relowner) AS owner,
           EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') AS extension
      INTO v_row
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = target;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'table with OID % does not exist', target::oid
            USING ERRCODE = 'undefined_table', DETAIL = 'It was dropped, or the number never named a table.',
                  HINT = 'Name it: ''schema.table''::regclass.';
    END IF;
    v_refused := CASE
        WHEN v_row.nspname IN ('pg_catalog', 'information_schema', 'pg_toast') OR v_row.nspname LIKE 'pg\_toast%' THEN 'a system table'
        WHEN v_row.nspname = 'asymm' OR v_row.extension THEN 'a member of an extension'
        WHEN v_row.relpersistence = 't' THEN 'a temporary table'
        WHEN v_row.relkind = 'v' THEN 'a view'
        WHEN v_row.relkind = 'm' THEN 'a materialized view'
        WHEN v_row.relkind = 'f' THEN 'a foreign table'
        WHEN v_row.relkind = 'S' THEN 'a sequence'
        WHEN v_row.relkind IN ('i', 'I') THEN 'an index'
        WHEN v_row.relkind = 'c' THEN 'a composite type'
        WHEN v_row.relkind NOT IN ('r', 'p') THEN 'of another kind'
    END;
    IF v_refused IS NOT NULL THEN
        RAISE EXCEPTION '"%" is not an ordinary or partitioned table', format('%I.%I', v_row.nspname, v_row.relname)
            USING ERRCODE = 'wrong_object_type', DETAIL = format('It is %s.', v_refused),
                  HINT = 'Name a table of your own; its indexes, constraints and owned sequences are watched with it.';
    END IF;
    RETURN v_row.owner;
END
$$;
COMMENT ON FUNCTION asymm._require_table(regclass) IS 'Returns the owner of a table that can be watched; raises 42P01 or 42809 otherwise.';

-- to_regclass() asks for rights on the schema, which asymm_owner has not.
CREATE OR REPLACE FUNCTION asymm._relid(target text) RETURNS oid
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = (parse_ident(target))[1] AND c.relname = (parse_ident(target))[2] AND c.relkind IN ('r', 'p')
$$;
COMMENT ON FUNCTION asymm._relid(text) IS 'OID of the table with this quoted, qualified name, or NULL; needs no rights on its schema.';

-- Text, because what it names may be gone: the baseline is asked first, then open drift, then the catalog.
CREATE OR REPLACE FUNCTION asymm._resolve(target text, OUT baseline_id bigint, OUT schema_name name, OUT object_name name)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_parts text[];
    v_found integer;
BEGIN
    PERFORM asymm._require_text(target, 'target');
    BEGIN
        v_parts := parse_ident(target);
    EXCEPTION WHEN invalid_parameter_value THEN
        v_parts := '{}';
    END;
    IF cardinality(v_parts) NOT IN (1, 2)
       OR EXISTS (SELECT FROM unnest(v_parts) AS p WHERE octet_length(p) > 63) THEN
        RAISE EXCEPTION 'not a table name: "%"', target
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'A name is table or schema.table, each part at most 63 bytes, quoted as in SQL.',
                  HINT = 'Example: ''public.invoices'' or ''"Odd Schema"."My Table"''.';
    END IF;
    SELECT count(*), min(o.baseline_id), min(o.schema_name::text), min(o.object_name::text)
      INTO v_found, baseline_id, schema_name, object_name
      FROM (SELECT b.id AS baseline_id, b.schema_name, b.object_name FROM asymm.baseline b
            UNION
            SELECT NULL, d.schema_name, d.object_name FROM asymm.drift_record d
             WHERE d.state = 'open' AND d.baseline_id IS NULL) AS o
     WHERE o.object_name = v_parts[cardinality(v_parts)]
       AND (cardinality(v_parts) = 1 OR o.schema_name = v_parts[1]);
    IF v_found > 1 THEN
        RAISE EXCEPTION 'table name "%" is ambiguous', target
            USING ERRCODE = 'ambiguous_function', DETAIL = format('%s watched tables have that name.', v_found),
                  HINT = 'Say which: ''schema.table''.';
    ELSIF v_found = 0 THEN
        IF EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE c.relname = v_parts[cardinality(v_parts)]
                      AND (cardinality(v_parts) = 1 OR n.nspname = v_parts[1])) THEN
            RAISE EXCEPTION '"%" is not watched', target
                USING ERRCODE = 'SY001', DETAIL = 'It exists, but no baseline was declared for it.',
                      HINT = format('SELECT asymm.watch(%L);', target);
        END IF;
        RAISE EXCEPTION 'table "%" does not exist', target
            USING ERRCODE = 'undefined_table', DETAIL = 'Neither a baseline nor the catalog knows it.',
                  HINT = 'SELECT object FROM asymm.watched; lists what is watched.';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._resolve(text)
    IS 'Finds a watched table (or an undeclared one seen in a watched schema) by name. Raises 22004, 22023, 42P01, 42725 or SY001.';
