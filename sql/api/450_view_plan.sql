-- Views and materialized views. What they share with tables (columns' settings, indexes, triggers, rules, privileges) is
-- planned by the makers for tables, which are shown the view as if it were one.

CREATE OR REPLACE FUNCTION asymm._view_statement(kind text, rel text, facts jsonb, replacing boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN concat('CREATE ', CASE WHEN replacing THEN 'OR REPLACE ' END, upper(kind), ' ', rel,
               ' USING ' || quote_ident(facts ->> 'access_method'),
               (SELECT format(' WITH (%s)', string_agg(format('%s%I = %L', o.prefix, o.key, o.value), ', '
                                                       ORDER BY o.prefix, array_position(n.names, o.key), o.key COLLATE "C"))
                  FROM (SELECT '' AS prefix, p.key, p.value FROM jsonb_each_text(facts -> 'options') AS p
                        UNION ALL SELECT 'toast.', p.key, p.value FROM jsonb_each_text(facts -> 'toast_options') AS p) AS o
                 CROSS JOIN asymm._option_names(facts -> 'options', facts -> 'option_order') AS n (names) HAVING count(*) > 0),
               ' TABLESPACE ' || quote_ident(facts ->> 'tablespace'),
               E' AS\n', asymm._replayable(facts ->> 'def'),
               CASE WHEN kind = 'materialized view' THEN E'\nWITH NO DATA' END);
END
$$;
COMMENT ON FUNCTION asymm._view_statement(text, text, jsonb, boolean) IS 'CREATE of a view or an empty materialized view from its facts.';

-- The document of a relation as the makers for tables read it.
CREATE OR REPLACE FUNCTION asymm._as_table(kind text, facts jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (facts - kind) || jsonb_build_object('table', facts -> kind);
END
$$;
COMMENT ON FUNCTION asymm._as_table(text, jsonb) IS 'Facts of a view, materialized view or foreign table under the name of a table''s.';

-- What the steps after its CREATE find.
CREATE OR REPLACE FUNCTION asymm._plan_view_made(kind text, declared jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN jsonb_build_object(
        kind, jsonb_build_object('', (declared #> ARRAY[kind, '']) - ARRAY['owner', 'comment', 'acl', 'cluster', 'replica_identity']),
        'column', (SELECT jsonb_object_agg(d.key, jsonb_strip_nulls(jsonb_build_object(
                              'type', d.value -> 'type', 'collation', d.value -> 'collation'))) FROM jsonb_each(declared -> 'column') AS d));
END
$$;
COMMENT ON FUNCTION asymm._plan_view_made(text, jsonb) IS 'Facts of a view right after its CREATE.';

CREATE OR REPLACE FUNCTION asymm._plan_view_context(rel text, schema_name text, declared jsonb, actual jsonb, columns jsonb, relid oid) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (
        SELECT jsonb_build_object(
            'rel', rel, 'schema', schema_name, 'relid', relid, 'layout', columns, 'only', '', 'linked', false,
            'column', (SELECT COALESCE(jsonb_object_agg(d.key, CASE WHEN actual -> 'column' ? d.key THEN 'same' ELSE 'add' END), '{}')
                         FROM jsonb_each(declared -> 'column') AS d))
            || jsonb_object_agg(p.part, asymm._plan_verdicts(p.part, declared -> p.part, actual -> p.part, NULL, '{}', '{}', '{}'))
          FROM unnest(ARRAY['index', 'trigger', 'rule']) AS p (part));
END
$$;
COMMENT ON FUNCTION asymm._plan_view_context(text, text, jsonb, jsonb, jsonb, oid) IS 'What the makers for tables need to know of a view.';

-- ALTER TABLE does for all of these, but their own word reads better.
CREATE OR REPLACE FUNCTION asymm._plan_in_words(statement text, kind text, rel text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN CASE WHEN starts_with(statement, format('ALTER TABLE %s ', rel)) OR starts_with(statement, format('ALTER TABLE ONLY %s ', rel))
                THEN overlay(statement PLACING format('ALTER %s', upper(kind)) FROM 1 FOR 11) ELSE statement END;
END
$$;
COMMENT ON FUNCTION asymm._plan_in_words(text, text, text) IS 'A statement of the makers for tables in the words of another kind of relation.';

CREATE OR REPLACE FUNCTION asymm._plan_unchanged(parts jsonb, verdicts jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(jsonb_object_agg(p.key, p.value), '{}') FROM jsonb_each(parts) AS p WHERE verdicts ->> p.key = 'same'
$$;
COMMENT ON FUNCTION asymm._plan_unchanged(jsonb, jsonb) IS 'The parts that stay as they are.';

-- It is filled by REFRESH, which runs as the owner: as whom else should his code run? Not if he can't read what it names.
CREATE OR REPLACE FUNCTION asymm._can_be_filled(definition text, owner text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT NOT EXISTS (
        SELECT FROM pg_class AS c
          JOIN pg_namespace AS n ON n.oid = c.relnamespace
          LEFT JOIN pg_roles AS r ON r.rolname = owner
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
           AND strpos(definition, format('%I.%I', n.nspname, c.relname)) > 0
           AND (c.relkind = 'm' AND NOT c.relispopulated OR NOT has_any_column_privilege(r.oid, c.oid, 'SELECT')
                OR NOT has_schema_privilege(r.oid, n.oid, 'USAGE')))
$$;
COMMENT ON FUNCTION asymm._can_be_filled(text, text) IS 'Whether the owner of a materialized view may read what its definition names, and that is filled itself.';

CREATE OR REPLACE FUNCTION asymm._plan_view_defaults(declared jsonb, actual jsonb, rel text)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT 546, 0, 'column', d.key,
           format('ALTER VIEW %s ALTER COLUMN %I %s', rel, d.key, COALESCE('SET DEFAULT ' || (d.value ->> 'default'), 'DROP DEFAULT')),
           format('ALTER VIEW %s ALTER COLUMN %I %s', rel, d.key, COALESCE('SET DEFAULT ' || (a.value ->> 'default'), 'DROP DEFAULT')),
           'ACCESS EXCLUSIVE', '{}'::text[], NULL::text
      FROM jsonb_each(declared) AS d LEFT JOIN jsonb_each(actual) AS a ON a.key = d.key
     WHERE d.value -> 'default' IS DISTINCT FROM a.value -> 'default';
END
$$;
COMMENT ON FUNCTION asymm._plan_view_defaults(jsonb, jsonb, text) IS 'Steps that mend the defaults of a view''s columns.';

CREATE OR REPLACE FUNCTION asymm._plan_view(
    kind text, schema_name text, object_name text, declared jsonb, layout jsonb, actual jsonb, object_id oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := format('%I.%I', schema_name, object_name);
    v_kind text := kind;
    v_wanted jsonb := declared #> ARRAY[kind, ''];
    v_filled boolean := kind = 'materialized view' AND COALESCE((SELECT c.relispopulated FROM pg_class AS c WHERE c.oid = object_id),
                                                                NOT layout ? 'with no data', true);
    v_fill boolean := v_filled AND declared IS NOT NULL AND asymm._can_be_filled(v_wanted ->> 'def', v_wanted ->> 'owner');
    v_now jsonb := actual;
    v_was jsonb;
    v_made boolean;
    v_context jsonb;
BEGIN
    IF actual IS NOT NULL AND (declared IS NULL OR asymm._remakes_relations(kind, declared, actual)) THEN
        RETURN QUERY
        SELECT 10, 0, v_kind, '', format('DROP %s %s', upper(v_kind), v_rel),
               asymm._plan_view_back(v_kind, schema_name, object_name, actual, v_filled), 'ACCESS EXCLUSIVE', h.hazards,
               CASE WHEN h.hazards <> '{}' THEN format('SELECT NOT EXISTS (SELECT FROM %s)', v_rel) END
          FROM (SELECT CASE WHEN v_filled AND NOT v_fill AND declared IS NOT NULL THEN ARRAY['deletes data'] ELSE '{}'::text[] END) AS h (hazards);
        v_now := NULL;
    END IF;
    IF declared IS NULL THEN
        RETURN;
    END IF;
    v_made := v_now IS NULL;
    IF v_made THEN
        RETURN QUERY
        SELECT 545, 0, v_kind, '', asymm._view_statement(v_kind, v_rel, v_wanted, false), format('DROP %s %s', upper(v_kind), v_rel),
               'none', '{}'::text[], NULL::text
        UNION ALL
        -- Last, when its owner has his privileges.
        SELECT 840, 0, v_kind, '', format('REFRESH MATERIALIZED VIEW %s', v_rel), format('REFRESH MATERIALIZED VIEW %s WITH NO DATA', v_rel),
               'ACCESS EXCLUSIVE', ARRAY['rewrites table', 'may fail on data'], NULL WHERE v_fill;
        v_now := asymm._plan_view_made(v_kind, declared);
    END IF;
    v_was := v_now #> ARRAY[v_kind, ''];
    v_context := asymm._plan_view_context(v_rel, schema_name, declared, v_now, v_wanted -> 'columns', CASE WHEN NOT v_made THEN object_id END);
    IF v_kind = 'view' AND v_was -> 'def' <> v_wanted -> 'def' THEN
        RETURN QUERY
        SELECT 545, 0, 'view', '', asymm._view_statement('view', v_rel, v_wanted, true),
               CASE WHEN v_was -> 'columns' = v_wanted -> 'columns' THEN asymm._view_statement('view', v_rel, v_was, true)
                    -- A column can't be taken from a view: it is made anew, but for triggers and rules that come back on their own.
                    ELSE asymm._plan_view_anew(schema_name, object_name, v_now || jsonb_build_object(
                             'trigger', asymm._plan_unchanged(v_now -> 'trigger', v_context -> 'trigger'),
                             'rule', asymm._plan_unchanged(v_now -> 'rule', v_context -> 'rule')), object_id) END,
               'ACCESS EXCLUSIVE', '{}'::text[], NULL::text;
        -- OR REPLACE takes over the options as well.
        v_was := (v_was - '{options,option_order}'::text[])
            || jsonb_strip_nulls(jsonb_build_object('options', v_wanted -> 'options', 'option_order', v_wanted -> 'option_order'));
    END IF;
    RETURN QUERY
    -- After the view itself: settings of columns, indexes.
    SELECT CASE WHEN s.phase BETWEEN 470 AND 473 THEN 547 WHEN s.phase BETWEEN 500 AND 512 THEN 548 ELSE s.phase END,
           CASE WHEN s.phase BETWEEN 470 AND 512 THEN s.phase ELSE s.ord END,
           CASE s.part WHEN 'table' THEN v_kind ELSE s.part END, s.name, asymm._plan_in_words(s.forward, v_kind, v_rel),
           asymm._plan_in_words(s.inverse, v_kind, v_rel), s.lock_class, s.hazards, s.precondition
      FROM (SELECT * FROM asymm._plan_table(v_wanted - ARRAY['owner', 'comment'], v_was - ARRAY['owner', 'comment'], v_context)
            UNION ALL
            SELECT * FROM asymm._plan_view_defaults(declared -> 'column', v_now -> 'column', v_rel)
            UNION ALL
            SELECT * FROM asymm._plan_column_settings(declared -> 'column', v_now -> 'column', v_context)
            UNION ALL
            SELECT * FROM asymm._plan_indexes(declared -> 'index', v_now -> 'index', v_context)
            UNION ALL
            SELECT * FROM asymm._plan_triggers(declared, v_now, v_context)
            UNION ALL
            SELECT * FROM asymm._plan_common(upper(v_kind), v_rel, NULL, v_kind, '', v_wanted, CASE WHEN NOT v_made THEN v_was END)
            UNION ALL
            SELECT * FROM asymm._plan_grants(asymm._as_table(v_kind, declared), asymm._as_table(v_kind, v_now), v_context)) AS s;
END
$$;
COMMENT ON FUNCTION asymm._plan_view(text, text, text, jsonb, jsonb, jsonb, oid) IS 'Steps that make, drop, replace or mend a view or a materialized view.';

-- A view as a script, as it was.
CREATE OR REPLACE FUNCTION asymm._plan_view_back(kind text, schema_name text, object_name text, actual jsonb, filled boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(p.forward, E';\n' ORDER BY p.phase, p.ord, p.name COLLATE "C", p.forward COLLATE "C")
      FROM asymm._plan_view(kind, schema_name, object_name, actual, CASE WHEN filled THEN '[]'::jsonb ELSE '["with no data"]' END, NULL, NULL) AS p
$$;
COMMENT ON FUNCTION asymm._plan_view_back(text, text, text, jsonb, boolean) IS 'Script that makes a dropped view again.';

-- The same for a view that others read: they go before it and come back after it.
CREATE OR REPLACE FUNCTION asymm._plan_view_anew(schema_name text, object_name text, actual jsonb, object_id oid) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE d AS (
        SELECT object_id AS oid, 0 AS depth
        UNION
        SELECT w.ev_class, d.depth + 1
          FROM d
          JOIN pg_depend AS p ON p.refclassid = 'pg_class'::regclass AND p.refobjid = d.oid AND p.classid = 'pg_rewrite'::regclass
          JOIN pg_rewrite AS w ON w.oid = p.objid AND w.rulename = '_RETURN' AND w.ev_class <> d.oid),
    o AS (SELECT d.oid, max(d.depth) AS depth FROM d GROUP BY d.oid HAVING max(d.depth) > 0),
    f AS (SELECT o.depth, v.* FROM o JOIN asymm._view_facts(ARRAY(SELECT o.oid FROM o)) AS v ON v.object_id = o.oid)
    SELECT concat_ws(E';\n',
        (SELECT string_agg(format('DROP %s %I.%I', upper(f.kind), f.schema_name, f.object_name), E';\n' ORDER BY f.depth DESC, f.object_id) FROM f),
        format('DROP VIEW %I.%I', schema_name, object_name),
        asymm._plan_view_back('view', schema_name, object_name, actual, false),
        (SELECT string_agg(asymm._plan_view_back(f.kind, f.schema_name, f.object_name, f.facts, NOT f.layout ? 'with no data'), E';\n'
                           ORDER BY f.depth, f.object_id) FROM f))
$$;
COMMENT ON FUNCTION asymm._plan_view_anew(text, text, jsonb, oid) IS 'Script that drops a view with all views on it and makes them again as they were.';

CREATE OR REPLACE FUNCTION asymm._plan_relations(
    kind text, schema_name text, object_name text, declared jsonb, layout jsonb, actual jsonb, object_id oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    IF kind = 'sequence' THEN
        RETURN QUERY SELECT s.* FROM asymm._plan_sequence(schema_name, object_name, declared, actual, object_id) AS s;
    ELSIF kind = 'foreign table' THEN
        RETURN QUERY SELECT s.* FROM asymm._plan_foreign_table(schema_name, object_name, declared, layout, actual, object_id) AS s;
    ELSE
        RETURN QUERY SELECT s.* FROM asymm._plan_view(kind, schema_name, object_name, declared, layout, actual, object_id) AS s;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._plan_relations(text, text, text, jsonb, jsonb, jsonb, oid)
    IS 'Steps that bring a view, materialized view, sequence or foreign table to what is declared.';
