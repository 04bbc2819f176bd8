-- The candidates of one plan.

-- Columns a plan needs of each table, and of these the ones only conditions name; NULL where it needs the row itself (it is changed or locked, or
-- named as a whole). A node that only hands rows on may print more than is needed, so the node that computes says it.
CREATE OR REPLACE FUNCTION asymm._needed_columns(plan jsonb, names jsonb) RETURNS TABLE (instance text, columns text[], conditional text[])
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    WITH nodes AS MATERIALIZED (SELECT n.* FROM asymm._plan_nodes(plan) AS n),
    relation AS MATERIALIZED (SELECT r.key AS instance, r.value ->> 'p' AS place FROM jsonb_each(names) AS r WHERE r.value ->> 's' = r.key),
    computing AS MATERIALIZED (
        SELECT n.place FROM nodes AS n WHERE n.kind IN ('Aggregate', 'Group', 'WindowAgg', 'ProjectSet', 'Nested Loop', 'Hash Join', 'Merge Join')),
    -- Of each table the nearest that computes, else the one highest up.
    source AS (
        SELECT r.instance, COALESCE((SELECT max(c.place) FROM computing AS c
                                      WHERE starts_with(r.place, c.place) AND c.place <> r.place), '/') AS place
          FROM relation AS r),
    -- All nodes' conditions, and what the sources give.
    text AS (
        SELECT NULL::text AS instance, e.text, k.key ~ 'Cond|Filter' AS condition
          FROM nodes AS n CROSS JOIN LATERAL jsonb_each(n.node) AS k
         CROSS JOIN LATERAL jsonb_array_elements_text(asymm._texts(k.value)) AS e (text)
         WHERE k.key IN ('Filter', 'Index Cond', 'Recheck Cond', 'Join Filter', 'Hash Cond', 'Merge Cond', 'TID Cond', 'One-Time Filter', 'Order By',
                         'Sort Key', 'Group Key', 'Cache Key')
            OR k.key = 'Output' AND n.place IN (SELECT c.place FROM computing AS c)
        UNION ALL
        SELECT s.instance, e.text, false
          FROM source AS s JOIN nodes AS n ON n.place = s.place
         CROSS JOIN LATERAL jsonb_array_elements_text(asymm._texts(n.node -> 'Output')) AS e (text)
         WHERE e.text IS NOT NULL),
    token AS (
        SELECT x.instance, x.condition, t.token, t.n, lag(t.token) OVER w AS before, lead(t.token) OVER w AS next, lead(t.token, 2) OVER w AS second
          FROM (SELECT x.*, row_number() OVER () AS id FROM text AS x) AS x
         CROSS JOIN LATERAL unnest(asymm._tokens(x.text)) WITH ORDINALITY AS t (token, n)
        WINDOW w AS (PARTITION BY x.id ORDER BY t.n)),
    named AS (
        SELECT names #>> ARRAY[asymm._unquoted(t.token), 's'] AS instance, asymm._unquoted(t.second) AS name, t.condition
          FROM token AS t
         WHERE t.next = '.' AND t.before IS DISTINCT FROM '.' AND names ? CASE WHEN t.token LIKE '"%' THEN asymm._unquoted(t.token) ELSE t.token END
        UNION ALL
        SELECT t.instance, asymm._unquoted(t.token), false
          FROM token AS t
         WHERE t.instance = names #>> ARRAY[names #>> '{"",n}', 's'] AND t.next IS DISTINCT FROM '.' AND t.next IS DISTINCT FROM '('
           AND (names #> '{"",c}') ? asymm._unquoted(t.token) OR t.token = 'ctid' AND t.instance IS NOT NULL),
    held AS (
        SELECT r.instance FROM relation AS r JOIN nodes AS n ON n.kind IN ('LockRows', 'ModifyTable') AND starts_with(r.place, n.place))
    SELECT r.instance,
           CASE WHEN bool_or(d.name IS NOT NULL AND NOT (names #> ARRAY[r.instance, 'c']) ? d.name)
                     OR r.instance IN (SELECT h.instance FROM held AS h) THEN NULL
                ELSE COALESCE(array_agg(quote_ident(d.name) ORDER BY d.name) FILTER (WHERE d.name IS NOT NULL), '{}') END,
           COALESCE(array_agg(quote_ident(d.name)) FILTER (WHERE d.condition), '{}')
      FROM relation AS r
      LEFT JOIN (SELECT d.instance, d.name, bool_and(d.condition) AS condition FROM named AS d GROUP BY d.instance, d.name) AS d
             ON d.instance = r.instance
     GROUP BY r.instance;
END
$$;
COMMENT ON FUNCTION asymm._needed_columns(jsonb, jsonb) IS 'The columns of each table that a plan needs; NULL where an index alone can''t do.';

-- How many rows an equality keeps, by the table's statistics.
CREATE OR REPLACE FUNCTION asymm._equality_share(relation oid, attribute name, usage text, operator text, constant text) RETURNS double precision
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_tuples double precision;
    v_values text[];
    v_share double precision;
BEGIN
    SELECT s.null_frac, s.n_distinct,
           CASE WHEN constant IS NOT NULL OR usage <> 'any' AND a.atttypid = 'boolean'::regtype THEN s.most_common_vals::text::text[] END AS common,
           s.most_common_freqs AS freqs, c.reltuples, t.typname INTO v
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = attribute
      JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = attribute
      JOIN pg_type AS t ON t.oid = a.atttypid
     WHERE c.oid = relation ORDER BY s.inherited = (c.relkind = 'p') DESC LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    v_tuples := GREATEST(v.reltuples, 1);
    IF operator = 'IS NULL' THEN
        RETURN v.null_frac;
    ELSIF operator = 'IS NOT NULL' THEN
        RETURN 1 - v.null_frac;
    END IF;
    v_values := CASE WHEN v.typname = 'bool' AND usage <> 'any'
                     THEN ARRAY[CASE WHEN operator IN ('NOT', 'IS FALSE') OR constant = 'false' THEN 'f'
                                     WHEN operator IN ('', 'IS TRUE') OR constant = 'true' THEN 't' END]
                     WHEN constant ~ '^''' AND usage = 'any' AND constant ~ '^''\{[^"\\]*\}''' THEN
                         string_to_array(substring(constant FROM '^''\{(.*)\}'''), ',')
                     WHEN constant ~ '^''' THEN ARRAY[replace(substring(constant FROM '^''(.*)'''), '''''', '''')]
                     WHEN constant ~ '^\d' THEN ARRAY[substring(constant FROM '^[0-9.]+')] END;
    v_share := (1 - v.null_frac - COALESCE((SELECT sum(f.freq) FROM unnest(v.freqs) AS f (freq)), 0))
               / GREATEST(1, CASE WHEN v.n_distinct < 0 THEN -v.n_distinct * v_tuples ELSE v.n_distinct END - COALESCE(cardinality(v.freqs), 0));
    IF v_values IS NULL OR v_values[1] IS NULL THEN
        -- Not known which: the mean.
        RETURN (1 - v.null_frac) / GREATEST(1, CASE WHEN v.n_distinct < 0 THEN -v.n_distinct * v_tuples ELSE v.n_distinct END);
    END IF;
    v_share := (SELECT sum(COALESCE((SELECT m.freq FROM unnest(v.common, v.freqs) AS m (value, freq) WHERE m.value = o.value LIMIT 1),
                                     GREATEST(v_share, 0)))
                  FROM unnest(v_values) AS o (value));
    RETURN LEAST(1, CASE WHEN operator = '<>' THEN 1 - v.null_frac - v_share ELSE v_share END);
END
$$;
COMMENT ON FUNCTION asymm._equality_share(oid, name, text, text, text)
    IS 'The share of rows that a comparison with this constant keeps; NULL where there are no statistics.';
