-- Masked views: a table as readers may see it. Without any function of ours, so that the view outlives the extension.

CREATE OR REPLACE FUNCTION asymm._masked_expression(relid oid, attnum smallint, method text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_name name;
    v_base pg_type;
    v_typmod integer;
    v_type text;
BEGIN
    SELECT a.attname, a.atttypmod INTO v_name, v_typmod
      FROM pg_attribute AS a WHERE a.attrelid = _masked_expression.relid AND a.attnum = _masked_expression.attnum;
    SELECT t.* INTO v_base FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
     WHERE a.attrelid = _masked_expression.relid AND a.attnum = _masked_expression.attnum;
    -- What is masked need not be a value of the domain: the view has what is behind it from the beginning, protected or not.
    WHILE v_base.typtype = 'd' LOOP
        v_typmod := v_base.typtypmod;
        SELECT t.* INTO v_base FROM pg_type AS t WHERE t.oid = v_base.typbasetype;
    END LOOP;
    v_type := format_type(v_base.oid, v_typmod);
    RETURN CASE
        WHEN method IS NULL THEN format('t.%I::%s', v_name, v_type)
        WHEN method = 'hash' AND v_base.typcategory = 'S'
            THEN format('(CASE WHEN t.%1$I::text ~ ''^h[0-9]{1,9}:[0-9a-f]{64}$'' THEN t.%1$I END)::%2$s', v_name, v_type)
        WHEN method = 'mask' AND v_base.typcategory = 'S'
            THEN format('(CASE WHEN length(t.%1$I::text) > 3 THEN left(t.%1$I::text, 1) || ''***'' WHEN t.%1$I IS NOT NULL THEN ''***'' END)::%2$s',
                        v_name, v_type)
        WHEN method = 'mask' AND v_base.oid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
            THEN format('date_trunc(''year'', t.%I)::%s', v_name, v_type)
        ELSE format('NULL::%s', v_type) END;
END
$$;
COMMENT ON FUNCTION asymm._masked_expression(oid, smallint, text) IS 'What a masked view shows of a column: by its method, or as it is.';

CREATE OR REPLACE FUNCTION asymm._masked_methods(relid oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- What only a part or the whole of it declares is not shown.
    RETURN COALESCE((SELECT jsonb_object_agg(c.name, COALESCE((SELECT max(f.method) FROM asymm._protected_in_force AS f
                                                                WHERE f.relid = _masked_methods.relid AND f.attname = c.name
                                                               HAVING count(DISTINCT f.method) = 1), 'deny'))
                       FROM unnest(asymm._protected_columns(relid)) AS c (name)), '{}');
END
$$;
COMMENT ON FUNCTION asymm._masked_methods(oid) IS 'The method of each protected column of a table, by name.';

CREATE OR REPLACE FUNCTION asymm._masked_view_of(relid oid) RETURNS name
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT w.view_name
              FROM asymm.masked_view AS w
              JOIN pg_namespace AS n ON n.nspname = w.schema_name
              JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.table_name
             WHERE c.oid = _masked_view_of.relid
               AND EXISTS (SELECT FROM pg_class AS v WHERE v.relnamespace = n.oid AND v.relname = w.view_name AND v.relkind = 'v'));
END
$$;
COMMENT ON FUNCTION asymm._masked_view_of(oid) IS 'The name of a table''s masked view, if there is one.';

CREATE OR REPLACE FUNCTION asymm._masked_view_made(relid oid, view_name name) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_rights((SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = relid), relid::regclass::text);
    INSERT INTO asymm.masked_view AS w
    SELECT n.nspname, c.relname, _masked_view_made.view_name, asymm._masked_methods(relid)
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = relid
    ON CONFLICT (schema_name, table_name) DO UPDATE SET view_name = EXCLUDED.view_name, methods = EXCLUDED.methods;
END
$$;
COMMENT ON FUNCTION asymm._masked_view_made(oid, name) IS 'Notes the masked view of a table, and what it masks.';

-- Columns keep their types and their order, so that the view can be replaced while others read it or depend on it.
CREATE OR REPLACE FUNCTION asymm._write_masked_view(relid oid, view_name name) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_methods constant jsonb := asymm._masked_methods(relid);
    v_intent constant text := current_setting('asymm.intent', true);
    v_schema name;
    v_owner name;
    v_list text;
    v record;
BEGIN
    SELECT n.nspname, pg_get_userbyid(c.relowner) INTO v_schema, v_owner
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = relid;
    SELECT string_agg(format('%s AS %I', asymm._masked_expression(relid, a.attnum, v_methods ->> a.attname), a.attname), ', ' ORDER BY a.attnum)
      INTO v_list FROM pg_attribute AS a WHERE a.attrelid = relid AND a.attnum > 0 AND NOT a.attisdropped;
    -- DDL of ours is intended: it becomes part of a watched schema's baseline.
    PERFORM set_config('asymm.intent', 'protect', true);
    -- A column of the table that was renamed.
    FOR v IN SELECT o.name AS old, c.name AS new
               FROM (SELECT a.attname AS name, row_number() OVER (ORDER BY a.attnum) AS place FROM pg_attribute AS a
                      WHERE a.attrelid = to_regclass(format('%I.%I', v_schema, view_name)) AND a.attnum > 0 AND NOT a.attisdropped) AS o
               JOIN (SELECT a.attname AS name, row_number() OVER (ORDER BY a.attnum) AS place FROM pg_attribute AS a
                      WHERE a.attrelid = relid AND a.attnum > 0 AND NOT a.attisdropped) AS c ON c.place = o.place AND c.name <> o.name LOOP
        EXECUTE format('ALTER VIEW %I.%I RENAME COLUMN %I TO %I', v_schema, view_name, v.old, v.new);
    END LOOP;
    EXECUTE format('CREATE OR REPLACE VIEW %I.%I WITH (security_barrier) AS SELECT %s FROM %s AS t', v_schema, view_name, v_list, relid::regclass);
    EXECUTE format('ALTER VIEW %I.%I OWNER TO %I', v_schema, view_name, v_owner);
    EXECUTE format('GRANT SELECT ON %I.%I TO asymm_reader', v_schema, view_name);
    PERFORM set_config('asymm.intent', COALESCE(v_intent, ''), true);
END
$$;
COMMENT ON FUNCTION asymm._write_masked_view(oid, name) IS 'Makes the masked view of a table, or makes it anew, with the caller''s rights; it belongs to the table''s owner.';

CREATE OR REPLACE FUNCTION asymm._remake_masked_view(relid oid) RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_done text[] := '{}';
    v_view name;
    v_part oid;
BEGIN
    FOR v_part IN WITH RECURSIVE family AS (SELECT _remake_masked_view.relid AS id
                                            UNION SELECT i.inhrelid FROM family AS f JOIN pg_inherits AS i ON i.inhparent = f.id)
                  SELECT f.id FROM family AS f LOOP
        v_view := asymm._masked_view_of(v_part);
        IF v_view IS NOT NULL THEN
            PERFORM asymm._masked_view_made(v_part, v_view);
            PERFORM asymm._write_masked_view(v_part, v_view);
            v_done := v_done || format('view %I was made anew', v_view);
        END IF;
    END LOOP;
    RETURN v_done;
END
$$;
COMMENT ON FUNCTION asymm._remake_masked_view(oid) IS 'Makes the masked views of a table and its partitions anew, where there are any; tells which.';

CREATE OR REPLACE FUNCTION asymm.create_masked_view(target regclass, view_name name DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_class pg_class;
    v_schema name;
    v_view name;
    v_intent constant text := current_setting('asymm.intent', true);
BEGIN
    IF asymm._require_relation(target) NOT IN ('table', 'foreign table') THEN
        RAISE EXCEPTION '"%" is no table', target
            USING ERRCODE = 'wrong_object_type', DETAIL = 'A masked view shows the rows of one table.', HINT = 'Name the table behind it.';
    END IF;
    SELECT c.* INTO v_class FROM pg_class AS c WHERE c.oid = target;
    SELECT n.nspname INTO v_schema FROM pg_namespace AS n WHERE n.oid = v_class.relnamespace;
    PERFORM asymm._require_rights(pg_get_userbyid(v_class.relowner), target::text);
    v_view := COALESCE(create_masked_view.view_name, asymm._masked_view_of(target), left(v_class.relname, 50) || '_masked');
    IF v_class.relrowsecurity THEN
        RAISE EXCEPTION '"%" has row-level security', target
            USING ERRCODE = 'wrong_object_type', DETAIL = 'Through a view of its owner everybody would see every row.',
                  HINT = 'Grant readers the columns that are not protected, and let the policies do the rest.';
    ELSIF to_regclass(format('%I.%I', v_schema, v_view)) IS NOT NULL AND asymm._masked_view_of(target) IS DISTINCT FROM v_view THEN
        RAISE EXCEPTION '"%" exists already', format('%I.%I', v_schema, v_view)
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It is not the masked view of this table.',
                  HINT = format('SELECT asymm.create_masked_view(%L, ''another_name'')', target);
    ELSIF NOT has_schema_privilege('asymm_reader', v_schema, 'USAGE') THEN
        PERFORM asymm._require_rights(pg_get_userbyid(n.nspowner), v_schema) FROM pg_namespace AS n WHERE n.nspname = v_schema;
        PERFORM set_config('asymm.intent', 'protect', true);
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO asymm_reader', v_schema);
        PERFORM set_config('asymm.intent', COALESCE(v_intent, ''), true);
    END IF;
    PERFORM asymm._masked_view_made(target, v_view);
    PERFORM asymm._write_masked_view(target, v_view);
    PERFORM asymm._audit('create_masked_view', format('%I.%I', v_schema, v_view), '{}');
    RETURN format('%I.%I', v_schema, v_view);
END
$$;
COMMENT ON FUNCTION asymm.create_masked_view(regclass, name)
    IS 'Makes a view of a table that shows protected columns as their method says, for asymm_reader, and makes it anew whenever asymm.protect() or unprotect() is called for the table. Columns added later are not in it until it is called again. Raises 22004, 22023, 42P01, 42809, 42501.';

-- What a partition brought with it, or DDL renamed, is masked once somebody with the owner's rights makes the view anew.
CREATE OR REPLACE FUNCTION asymm._doctor_masked() RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
        SELECT 'masked view', 'error',
               format('%I.%I was made before columns of %s were protected as they are now: %s', w.schema_name, w.view_name, c.oid::regclass, x.names),
               format('SELECT asymm.create_masked_view(%L)', c.oid::regclass)
          FROM asymm.masked_view AS w
          JOIN pg_namespace AS n ON n.nspname = w.schema_name
          JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.table_name
         CROSS JOIN LATERAL (
               SELECT string_agg(quote_ident(m.key), ', ' ORDER BY m.key) AS names FROM jsonb_each_text(asymm._masked_methods(c.oid)) AS m
                WHERE w.methods ->> m.key IS DISTINCT FROM m.value) AS x
         WHERE x.names IS NOT NULL AND asymm._masked_view_of(c.oid) IS NOT NULL
         ORDER BY w.schema_name, w.view_name;
END
$$;
COMMENT ON FUNCTION asymm._doctor_masked() IS 'Masked views that show a column which was protected after they were made.';

-- Tables are the caller's, and so are the rights.
CREATE OR REPLACE FUNCTION asymm.unhashed(target regclass) RETURNS TABLE (column_name name, filled bigint, not_hashed bigint)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_column name;
BEGIN
    PERFORM asymm._require_relation(target);
    FOR v_column IN SELECT m.key::name FROM jsonb_each_text(asymm._masked_methods(target)) AS m WHERE m.value = 'hash' LOOP
        column_name := v_column;
        EXECUTE format('SELECT count(t.%1$I), count(*) FILTER (WHERE concat(t.%1$I) COLLATE "C" !~ ''^h[0-9]{1,9}:[0-9a-f]{64}$'' '
                       'AND t.%1$I IS NOT NULL) FROM %2$s AS t', v_column, target) INTO filled, not_hashed;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm.unhashed(regclass)
    IS 'For each column of a table protected by method hash: how many rows have a value, and how many of these are no token of the driver (h1:…). A plain SHA-256 is none: whoever guesses the value finds it. Raises 22004, 42P01, 42809.';
