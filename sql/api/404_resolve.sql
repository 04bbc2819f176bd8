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

CREATE OR REPLACE FUNCTION asymm._require_relation(target regclass) RETURNS text
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
    SELECT c.oid, c.relkind, c.relpersistence, c.relname, n.nspname,
           EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') AS extension,
           c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                                                             AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')) AS owned
      INTO v_row
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = target;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'relation with OID % does not exist', target::oid
            USING ERRCODE = 'undefined_table', DETAIL = 'It was dropped, or the number never named a relation.',
                  HINT = 'Name it: ''schema.table''::regclass.';
    END IF;
    v_refused := CASE
        WHEN v_row.nspname IN ('pg_catalog', 'information_schema', 'pg_toast') OR v_row.nspname LIKE 'pg\_toast%' THEN 'part of the system'
        WHEN v_row.nspname = 'asymm' OR v_row.extension THEN 'a member of an extension'
        WHEN v_row.relpersistence = 't' THEN 'temporary'
        WHEN v_row.relkind IN ('i', 'I') THEN 'an index'
        WHEN v_row.relkind = 'c' THEN 'a composite type: watch its schema'
        WHEN v_row.owned THEN 'the sequence of a column'
        WHEN v_row.relkind NOT IN ('r', 'p', 'v', 'm', 'S', 'f') THEN 'of another kind'
    END;
    IF v_refused IS NOT NULL THEN
        RAISE EXCEPTION '"%" cannot be watched', format('%I.%I', v_row.nspname, v_row.relname)
            USING ERRCODE = 'wrong_object_type', DETAIL = format('It is %s.', v_refused),
                  HINT = 'Name a table, view, sequence or foreign table of your own; '
                         'indexes, constraints and sequences of columns are watched with their table.';
    END IF;
    RETURN asymm._relation_kind(v_row.relkind);
END
$$;
COMMENT ON FUNCTION asymm._require_relation(regclass) IS 'Returns the kind of a relation that can be watched; raises 42P01 or 42809 otherwise.';

CREATE OR REPLACE FUNCTION asymm._relation_kind(relkind "char") RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                        WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' END;
END
$$;
COMMENT ON FUNCTION asymm._relation_kind("char") IS 'The kind of object a pg_class.relkind stands for; NULL for those that are parts of others.';

-- A name as people write it, perhaps with its kind in front: the words of the kind, the schema, the name, and what follows
-- it (arguments, USING method). For kinds that are called otherwise (cast, operator, …) there is no name, only the rest.
CREATE OR REPLACE FUNCTION asymm._read_name(target text, OUT kind text, OUT rest text, OUT schema_name text, OUT name text, OUT after text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_match text[];
    v_parts text[];
BEGIN
    rest := btrim(target, E' \t\n\r');
    SELECT k INTO kind FROM unnest(asymm._kinds()) AS k WHERE starts_with(lower(rest), k || ' ') ORDER BY length(k) DESC LIMIT 1;
    IF kind IS NOT NULL THEN
        rest := btrim(substr(rest, length(kind) + 1), E' \t\n\r');
    END IF;
    v_match := regexp_match(rest, '^((?:"(?:[^"]|"")*"|[^".()\s]+)(?:\.(?:"(?:[^"]|"")*"|[^".()\s]+))?)\s*(\(.*\)|USING .*)?$');
    BEGIN
        v_parts := parse_ident(v_match[1]);
    EXCEPTION WHEN invalid_parameter_value THEN
        v_parts := NULL;
    END;
    IF v_parts IS NOT NULL AND NOT EXISTS (SELECT FROM unnest(v_parts) AS p WHERE octet_length(p) > 63) THEN
        schema_name := CASE WHEN cardinality(v_parts) = 2 THEN v_parts[1] END;
        name := v_parts[cardinality(v_parts)];
        after := v_match[2];
    ELSIF kind IS NULL OR kind <> ALL (asymm._kinds_without_name()) THEN
        RAISE EXCEPTION 'not the name of an object: "%"', target
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'A name is table or schema.table, each part at most 63 bytes, quoted as in SQL, '
                           'with its kind in front where that is needed.',
                  HINT = 'Examples: ''public.invoices'', ''"Odd Schema"."My Table"'', ''public.f(integer)'', ''schema public''.';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._read_name(text) IS 'Takes the name of an object apart; raises 22023 for what is none.';

CREATE OR REPLACE FUNCTION asymm._bare(identity text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT regexp_replace(replace(identity, 'pg_catalog.', ''), '\s', '', 'g') $$;
COMMENT ON FUNCTION asymm._bare(text) IS 'An identity without blanks and without the schema of the server''s own types, for comparison with what people write.';

-- Text, because what it names may be gone: the baseline is asked first, then open drift, then what was, then the catalog.
CREATE OR REPLACE FUNCTION asymm._resolve(
    target text, past boolean DEFAULT false,
    OUT baseline_id bigint, OUT kind text, OUT schema_name text, OUT object_name text, OUT display text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_name record;
    v_found text[];
    v_plain constant text[] := ARRAY['table', 'view', 'materialized view', 'sequence', 'foreign table', 'function', 'procedure', 'aggregate'];
BEGIN
    PERFORM asymm._require_text(target, 'target');
    v_name := asymm._read_name(target);
    -- Without its kind, a name is that of a relation or routine before it is that of a type, schema or the like.
    SELECT array_agg(m.id::text ORDER BY m.id), (array_agg(m.kind))[1], (array_agg(m.schema_name))[1], (array_agg(m.object_name))[1],
           (array_agg(m.baseline_id))[1]
      INTO v_found, kind, schema_name, object_name, baseline_id
      FROM (SELECT row_number() OVER () AS id, o.*, rank() OVER (ORDER BY o.former, o.kind <> ALL (v_plain)) AS place
              FROM (SELECT b.id AS baseline_id, b.kind, b.schema_name, b.object_name, false AS former FROM asymm.baseline b
                    UNION
                    SELECT NULL, d.kind, d.schema_name, d.object_name, false FROM asymm.drift_record d
                     WHERE d.state = 'open' AND d.baseline_id IS NULL
                    UNION ALL
                    SELECT f.*, true FROM asymm._former_names() AS f WHERE past) AS o
             WHERE (v_name.kind IS NULL OR o.kind = v_name.kind)
               AND CASE WHEN o.kind = ANY (asymm._kinds_without_name())
                        THEN v_name.kind IS NOT NULL AND asymm._bare(v_name.rest)
                             IN (asymm._bare(o.object_name), asymm._bare(asymm._object_identity(o.kind, o.schema_name, o.object_name)))
                        ELSE (v_name.schema_name IS NULL OR o.schema_name = v_name.schema_name)
                             AND CASE WHEN o.kind <> ALL (asymm._kinds_with_rest())
                                      THEN o.object_name = v_name.name AND v_name.after IS NULL
                                      WHEN v_name.after IS NULL
                                      THEN starts_with(o.object_name, quote_ident(v_name.name) || '(')
                                           OR starts_with(o.object_name, quote_ident(v_name.name) || ' USING ')
                                      ELSE asymm._bare(o.object_name) = asymm._bare(quote_ident(v_name.name) || v_name.after) END END) AS m
     WHERE m.place = 1;
    IF cardinality(v_found) > 1 THEN
        RAISE EXCEPTION 'name "%" is ambiguous', target
            USING ERRCODE = 'ambiguous_function', DETAIL = format('%s watched objects have that name.', cardinality(v_found)),
                  HINT = 'Say which: ''schema.name'', ''schema.f(integer)'', or with its kind in front: ''type schema.name''.';
    ELSIF v_found IS NULL THEN
        PERFORM asymm._refuse_unknown(target, v_name.kind, v_name.schema_name, v_name.name, v_name.after);
    END IF;
    display := asymm._object_display(kind, schema_name, object_name);
END
$$;
COMMENT ON FUNCTION asymm._resolve(text, boolean)
    IS 'Finds a watched object (or an undeclared one that was seen; past: also one that was, or under a name it had) by name. Raises 22004, 22023, 42704, 42P01, 42725 or SY001.';

CREATE OR REPLACE FUNCTION asymm._refuse_unknown(target text, kind text, schema_name text, name text, after text) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_relation boolean := after IS NULL AND name IS NOT NULL AND (kind IS NULL OR asymm._kind_class(kind) = 'pg_class'::regclass);
    v_schema text;
BEGIN
    IF v_relation THEN
        SELECT n.nspname INTO v_schema FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relname = name AND (_refuse_unknown.schema_name IS NULL OR n.nspname = _refuse_unknown.schema_name) LIMIT 1;
    END IF;
    IF v_schema IS NULL AND name IS NOT NULL THEN
        SELECT n.nspname INTO v_schema FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE p.proname = name AND n.nspname = COALESCE(_refuse_unknown.schema_name, n.nspname)
           AND COALESCE(kind, 'function') = CASE WHEN kind IS NULL THEN 'function' WHEN p.prokind = 'p' THEN 'procedure'
                                               WHEN p.prokind = 'a' THEN 'aggregate' ELSE 'function' END LIMIT 1;
        v_relation := v_relation AND v_schema IS NULL;
    END IF;
    IF v_schema IS NOT NULL THEN
        RAISE EXCEPTION '"%" is not watched', target
            USING ERRCODE = 'SY001', DETAIL = 'It exists, but no baseline was declared for it.',
                  HINT = CASE WHEN v_relation THEN format('SELECT asymm.watch(%L);', target)
                              ELSE format('SELECT asymm.watch_schema(%L);', v_schema) END;
    ELSIF v_relation THEN
        RAISE EXCEPTION 'relation "%" does not exist', target
            USING ERRCODE = 'undefined_table', DETAIL = 'Neither a baseline nor the catalog knows it.',
                  HINT = 'SELECT object FROM asymm.watched; lists what is watched.';
    END IF;
    RAISE EXCEPTION 'object "%" is not watched', target
        USING ERRCODE = 'undefined_object', DETAIL = 'No baseline knows it.',
              HINT = 'SELECT object FROM asymm.watched; lists what is watched.';
END
$$;
COMMENT ON FUNCTION asymm._refuse_unknown(text, text, text, text, text)
    IS 'Raises SY001 for the name of something that exists but is not watched, else 42P01 (relations) or 42704.';
