-- The script of a swap.

-- Literals of labels that are leaving an enum turn into NULL in what is put back: it is declared otherwise, and its own
-- repair comes later.
CREATE OR REPLACE FUNCTION asymm._without_labels(definition text, type_name text, labels text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_text text := definition;
    v_label text;
    v_array text;
BEGIN
    FOR v_label IN SELECT replace(l, '''', '''''') FROM unnest(labels) AS l LOOP
        v_text := replace(v_text, format('''%s''::%s', v_label, type_name), 'NULL::' || type_name);
        FOR v_array IN SELECT m[1] FROM regexp_matches(v_text, '(''\{(?:[^'']|'''')*\}'')::', 'g') AS m LOOP
            IF strpos(v_array, v_label) > 0 THEN
                v_text := replace(v_text, format('%s::%s[]', v_array, type_name), format('NULL::%s[]', type_name));
            END IF;
        END LOOP;
    END LOOP;
    RETURN v_text;
END
$$;
COMMENT ON FUNCTION asymm._without_labels(text, text, text[]) IS 'A definition in which literals of some labels of an enum are NULL.';

CREATE OR REPLACE FUNCTION asymm._mentions_any(definition text, names text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(definition ~ (SELECT concat('(?<![[:alnum:]_$".])(', string_agg(regexp_replace(n, '([^[:alnum:]_])', '\\\1', 'g'), '|'),
                                                ')(?![[:alnum:]_$"])') FROM unnest(names) AS n), false)
$$;
COMMENT ON FUNCTION asymm._mentions_any(text, text[]) IS 'Whether a definition names one of some objects, written with their schemas.';

-- What of the tables is taken off before and put back after; ord is the order of taking off, and backwards of putting back.
CREATE OR REPLACE FUNCTION asymm._swap_parts(scene jsonb, names text[], type_name text, gone text[])
RETURNS TABLE (ord integer, taken text, given text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH t AS (
        SELECT x.doc ->> 'rel' AS rel, x.doc ->> 'schema' AS schema_name, x.doc -> 'facts' AS facts, x.doc AS doc,
               ARRAY(SELECT c ->> 'name' FROM jsonb_array_elements(x.doc -> 'columns') AS c) AS cols
          FROM jsonb_array_elements(scene -> 'tables') AS x (doc)),
    -- Generated columns that are of such a type or computed from such a column go and come back whole.
    g AS (
        SELECT t.rel, array_agg(c.key) AS cols
          FROM t CROSS JOIN jsonb_each(t.facts -> 'column') AS c
         WHERE c.value ? 'generated' AND NOT c.value ? 'inherited'
           AND (c.key = ANY (t.cols) OR EXISTS (SELECT FROM unnest(t.cols) AS o WHERE asymm._mentions(c.value, o))
                OR asymm._mentions_any(c.value ->> 'generated', names))
         GROUP BY t.rel),
    p AS (
        SELECT t.*, k.part, e.key, e.value AS facts_of, COALESCE(g.cols, '{}') AS generated,
               asymm._mentions_any(concat_ws(' ', e.value ->> 'def', e.value ->> 'using', e.value ->> 'check'), names) AS names_it,
               EXISTS (SELECT FROM unnest(t.cols || COALESCE(g.cols, '{}')) AS o WHERE asymm._mentions(e.value, o)) AS names_column,
               EXISTS (SELECT FROM unnest(g.cols) AS o WHERE asymm._mentions(e.value, o)) AS names_generated
          FROM t
          LEFT JOIN g ON g.rel = t.rel
         CROSS JOIN unnest(ARRAY['constraint', 'index', 'trigger', 'rule', 'policy']) AS k (part)
         CROSS JOIN jsonb_each(t.facts -> k.part) AS e),
    q AS (
        SELECT p.*, jsonb_strip_nulls(p.facts_of || jsonb_build_object(
                   'def', asymm._without_labels(p.facts_of ->> 'def', type_name, gone),
                   'using', asymm._without_labels(p.facts_of ->> 'using', type_name, gone),
                   'check', asymm._without_labels(p.facts_of ->> 'check', type_name, gone))) AS back
          FROM p)
    SELECT CASE q.part WHEN 'rule' THEN 1 WHEN 'trigger' THEN 3 END, format('DROP %s %I ON %s', upper(q.part), q.key, q.rel),
           concat_ws(E';\n', rtrim(asymm._replayable(q.back ->> 'def'), ';'),
                     CASE WHEN q.back ? 'enabled' THEN asymm._plan_switch(q.rel, upper(q.part), q.key, q.back ->> 'enabled') END,
                     CASE WHEN q.back ? 'comment' THEN format('COMMENT ON %s %I ON %s IS %L', upper(q.part), q.key, q.rel, q.back ->> 'comment') END)
      FROM q WHERE q.part IN ('rule', 'trigger') AND (q.names_it OR q.names_column)
    UNION ALL
    SELECT 2, format('DROP POLICY %I ON %s', q.key, q.rel),
           concat_ws(E';\n', asymm._policy_definition(q.rel, q.key, q.back),
                     CASE WHEN q.back ? 'comment' THEN format('COMMENT ON POLICY %I ON %s IS %L', q.key, q.rel, q.back ->> 'comment') END)
      FROM q WHERE q.part = 'policy' AND (q.names_it OR q.names_column)
    UNION ALL
    SELECT CASE WHEN q.facts_of ->> 'type' = 'foreign key' THEN 4 ELSE 5 END, format('ALTER TABLE %s DROP CONSTRAINT %I', q.rel, q.key),
           asymm._plan_constraint_back(q.rel, q.schema_name, q.key, q.back)
      FROM q WHERE q.part = 'constraint' AND CASE q.facts_of ->> 'type'
               WHEN 'foreign key' THEN q.doc -> 'keys' ? q.key OR q.names_generated
               WHEN 'check' THEN q.names_it OR q.names_column
               WHEN 'exclude' THEN q.names_it OR q.names_column
               ELSE q.names_generated END
    UNION ALL
    SELECT 6, format('DROP INDEX %I.%I', q.schema_name, q.key), asymm._plan_index_back(q.rel, q.schema_name, q.key, q.back)
      FROM q WHERE q.part = 'index' AND (q.names_it OR q.names_generated OR q.names_column AND q.doc -> 'expressions' ? q.key)
    UNION ALL
    SELECT 7, format('DROP STATISTICS %I.%I', s ->> 'schema_name', s ->> 'object_name'),
           asymm._types_script('statistics object', s ->> 'schema_name', s ->> 'object_name',
                               jsonb_set(s -> 'facts', '{statistics object,"",def}', to_jsonb(asymm._without_labels(
                                   s #>> '{facts,statistics object,"",def}', type_name, gone))))
      FROM t LEFT JOIN g ON g.rel = t.rel CROSS JOIN jsonb_array_elements(t.doc -> 'statistics') AS s
     WHERE asymm._mentions_any(s #>> '{facts,statistics object,"",def}', names)
        OR EXISTS (SELECT FROM unnest(t.cols || g.cols) AS o WHERE asymm._mentions(s #> '{facts,statistics object,""}', o))
    UNION ALL
    SELECT 8, format('ALTER TABLE %s NOT OF', t.rel), format('ALTER TABLE %s OF %s', t.rel, t.doc ->> 'of_type') FROM t WHERE t.doc ? 'of_type'
    UNION ALL
    SELECT 10, format('ALTER TABLE ONLY %s ALTER COLUMN %I DROP DEFAULT', t.rel, c.key),
           format('ALTER TABLE ONLY %s ALTER COLUMN %I SET DEFAULT %s', t.rel, c.key, asymm._without_labels(c.value ->> 'default', type_name, gone))
      FROM t CROSS JOIN jsonb_each(t.facts -> 'column') AS c
     WHERE c.value ? 'default'
       AND (c.key = ANY (t.cols) OR asymm._mentions_any(c.value ->> 'default', names))
    UNION ALL
    SELECT 9, format('ALTER TABLE %s DROP COLUMN %I', t.rel, o.name),
           asymm._plan_column_back(t.rel, o.name, t.facts #> ARRAY['column', o.name] || jsonb_build_object(
               'generated', asymm._without_labels(t.facts #>> ARRAY['column', o.name, 'generated'], type_name, gone)), t.doc ->> 'owner')
      FROM t JOIN g ON g.rel = t.rel CROSS JOIN unnest(g.cols) AS o (name);
END
$$;
COMMENT ON FUNCTION asymm._swap_parts(jsonb, text[], text, text[])
    IS 'What of tables has to be taken off before a type is swapped and put back after, each as two statements.';

-- The whole making of an object as a script.
CREATE OR REPLACE FUNCTION asymm._types_script(kind text, schema_name text, object_name text, facts jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(p.forward, E';\n' ORDER BY p.phase, p.ord, p.name COLLATE "C", p.forward COLLATE "C")
      FROM asymm._plan_types(kind, schema_name, object_name, facts, '[]', NULL, NULL) AS p
$$;
COMMENT ON FUNCTION asymm._types_script(text, text, text, jsonb) IS 'Script that makes a type, collation or the like with all that belongs to it.';

-- turn: expressions for columns directly of the type, for arrays of it and for what is nested deeper, in which {c} is the
-- column and {t} the type it is to have; gone: labels that leave an enum.
CREATE OR REPLACE FUNCTION asymm._swap_script(
    scene jsonb, kind text, schema_name text, object_name text, present jsonb, wanted jsonb, turn jsonb)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    v_gone text[] := ARRAY(SELECT jsonb_array_elements_text(turn -> 'gone'));
    v_names text[];
    v_script text;
BEGIN
    v_names := ARRAY(SELECT format('%I.%I', schema_name, object_name)
                     UNION ALL
                     SELECT format('%I.%I', t ->> 'schema_name', t ->> 'object_name') FROM jsonb_array_elements(scene -> 'types') AS t);
    WITH o AS (
        SELECT kind AS kind, schema_name AS schema_name, object_name AS object_name, present AS was, wanted AS facts, 0 AS depth
        UNION ALL
        SELECT t ->> 'kind', t ->> 'schema_name', t ->> 'object_name', t -> 'facts',
               CASE WHEN cardinality(v_gone) > 0 THEN asymm._without_labels((t -> 'facts')::text, left(substr(to_json(v_names[1])::text, 2), -1),
                        ARRAY(SELECT left(substr(to_json(l)::text, 2), -1) FROM unnest(v_gone) AS l))::jsonb ELSE t -> 'facts' END,
               (t ->> 'depth')::integer
          FROM jsonb_array_elements(scene -> 'types') AS t),
    n AS (
        SELECT o.*, upper(o.kind) AS word, 'asymm_' || left(md5(concat_ws('.', o.schema_name, o.object_name)), 16) AS aside,
               o.was #>> '{type,"",multirange}' AS multi, o.was #>> '{type,"",subtype}' AS subtype,
               o.was #>> '{type,"",variant}' IS NOT DISTINCT FROM 'shell' AS shell
          FROM o),
    c AS (
        SELECT t.doc ->> 'rel' AS rel, x.doc ->> 'name' AS name, t.doc #> ARRAY['facts', 'column', x.doc ->> 'name'] AS facts,
               turn ->> CASE WHEN (x.doc -> 'direct')::boolean THEN 'direct' WHEN x.doc -> 'array' = 'true' THEN 'array' ELSE 'nested' END AS turn,
               t.n,
               t.doc ? 'remote' AS remote
          FROM jsonb_array_elements(scene -> 'tables') WITH ORDINALITY AS t (doc, n)
         CROSS JOIN jsonb_array_elements(t.doc -> 'columns') AS x (doc)
         WHERE (x.doc -> 'top')::boolean AND NOT t.doc #> ARRAY['facts', 'column', x.doc ->> 'name'] ? 'generated'),
    p AS MATERIALIZED (SELECT * FROM asymm._swap_parts(scene, v_names, v_names[1], v_gone)),
    s AS (
        SELECT p.ord, 0 AS sub, p.taken AS statement FROM p
        UNION ALL
        -- The functions that make a range keep their names unless they are told.
        SELECT 90, n.depth, format('ALTER FUNCTION %s RENAME TO %I', f.signature, n.aside || f.tail)
          FROM n CROSS JOIN LATERAL (SELECT format('%I.%I', n.schema_name, n.object_name) AS range) AS r
         CROSS JOIN LATERAL (VALUES
              (format('%s(%s, %s)', r.range, n.subtype, n.subtype), ''), (format('%s(%s, %s, text)', r.range, n.subtype, n.subtype), ''),
              (n.multi || '()', 'm'), (format('%s(%s)', n.multi, r.range), 'm'), (format('%s(%s[])', n.multi, r.range), 'm')) AS f (signature, tail)
         WHERE n.multi IS NOT NULL
        UNION ALL
        SELECT 100 + n.depth, 0, CASE WHEN n.shell THEN format('DROP TYPE %I.%I', n.schema_name, n.object_name)
                                      ELSE format('ALTER %s %I.%I RENAME TO %I', n.word, n.schema_name, n.object_name, n.aside) END FROM n
        UNION ALL
        SELECT 100 + n.depth, 1, format('ALTER TYPE %s RENAME TO %I', n.multi, n.aside || 'm') FROM n WHERE n.multi IS NOT NULL
        UNION ALL
        SELECT 200 + n.depth, 0, asymm._types_script(n.kind, n.schema_name, n.object_name, n.facts) FROM n
        UNION ALL
        SELECT 300, min(c.n)::integer, format('ALTER TABLE %s %s', c.rel, string_agg(concat_ws(' ',
                   format('ALTER COLUMN %I TYPE %s', c.name, c.facts ->> 'type'), 'COLLATE ' || (c.facts ->> 'collation'),
                   CASE WHEN NOT c.remote THEN 'USING ' || replace(replace(c.turn, '{c}', quote_ident(c.name)), '{t}', c.facts ->> 'type') END)
                   || concat(format(', ALTER COLUMN %I SET STORAGE ', c.name) || (c.facts ->> 'storage'),
                             format(', ALTER COLUMN %I SET COMPRESSION ', c.name) || (c.facts ->> 'compression')),
                   ', ' ORDER BY c.name COLLATE "C"))
          FROM c GROUP BY c.rel
        UNION ALL
        SELECT 500 - n.depth, 0, format('DROP %s %I.%I', n.word, n.schema_name, n.aside) FROM n WHERE NOT n.shell
        UNION ALL
        SELECT 600 - p.ord, 0, p.given FROM p)
    SELECT string_agg(s.statement, E';\n' ORDER BY s.ord, s.sub, s.statement COLLATE "C") INTO v_script FROM s;
    RETURN v_script;
END
$$;
COMMENT ON FUNCTION asymm._swap_script(jsonb, text, text, text, jsonb, jsonb, jsonb)
    IS 'Script that puts another type, domain or collation in the place of one, with all columns, and leaves everything else as it was.';
