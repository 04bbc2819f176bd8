-- From 18 on NOT NULL is a constraint with a name, which may be its own, not valid yet, not inherited, commented on.

-- What is not so by default, of a constraint that is the table's own; NULL when nothing is.
CREATE OR REPLACE FUNCTION asymm._not_null_facts(relid oid, column_number smallint) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT NULLIF(jsonb_strip_nulls(jsonb_build_object(
                   'name', CASE WHEN k.conname <> concat(r.relname, '_', a.attname, '_not_null') THEN k.conname END,
                   'no_inherit', CASE WHEN k.connoinherit THEN true END,
                   'not_valid', CASE WHEN NOT k.convalidated THEN true END,
                   'comment', asymm._comment_on(k.oid, 'pg_constraint'))), '{}')
          FROM pg_constraint AS k
          JOIN pg_class AS r ON r.oid = k.conrelid
          JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = column_number
         WHERE k.conrelid = relid AND k.contype = 'n' AND k.conkey = ARRAY[column_number] AND k.conislocal AND k.coninhcount = 0);
END
$$;
COMMENT ON FUNCTION asymm._not_null_facts(oid, smallint) IS 'What is particular about the NOT NULL constraint of a column; NULL before version 18.';

CREATE OR REPLACE FUNCTION asymm._not_null_clause(facts jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT concat('CONSTRAINT ' || quote_ident(facts #>> '{not_null_as,name}') || ' ', 'NOT NULL',
                      CASE WHEN facts #> '{not_null_as,no_inherit}' IS NOT NULL THEN ' NO INHERIT' END)
         WHERE facts ? 'not_null');
END
$$;
COMMENT ON FUNCTION asymm._not_null_clause(jsonb) IS 'NOT NULL of a column as CREATE TABLE has it; NULL if there is none.';

-- Where another table has a constraint of the usual name, a former partition for one, the server would choose another name.
CREATE OR REPLACE FUNCTION asymm._with_not_null_name(rel text, name text, facts jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM pg_constraint AS k JOIN pg_namespace AS n ON n.oid = k.connamespace
                              WHERE k.conname = c.usual AND n.nspname = c.parts[1] AND k.contype = 'n' AND facts ? 'not_null'
                                AND facts #> '{not_null_as,name}' IS NULL)
                THEN facts || jsonb_build_object('not_null_as', COALESCE(facts -> 'not_null_as', '{}') || jsonb_build_object('name', c.usual))
                ELSE facts END
      FROM (SELECT p.parts, concat(p.parts[2], '_', name, '_not_null') AS usual
              FROM (SELECT parse_ident(regexp_replace(rel, '^ONLY ', ''))) AS p (parts)) AS c
$$;
COMMENT ON FUNCTION asymm._with_not_null_name(text, text, jsonb) IS 'Facts of a column to be made, with the usual name of its NOT NULL where that is taken.';

CREATE OR REPLACE FUNCTION asymm._set_not_null(rel text, name text, facts jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Named even as the server would name it: it looks for a name that no other table has.
    SELECT CASE WHEN current_setting('server_version_num')::integer >= 180000
                THEN concat('ALTER TABLE ', rel, ' ADD ', 'CONSTRAINT ' || quote_ident(COALESCE(facts #>> '{not_null_as,name}', n.usual)) || ' ',
                            'NOT NULL ', quote_ident(name), CASE WHEN facts -> 'not_null_as' ? 'no_inherit' THEN ' NO INHERIT' END,
                            CASE WHEN facts -> 'not_null_as' ? 'not_valid' THEN ' NOT VALID' END)
                ELSE format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', rel, name) END
      FROM (SELECT concat((parse_ident(regexp_replace(rel, '^ONLY ', '')))[2], '_', name, '_not_null')) AS c (given)
     CROSS JOIN LATERAL (SELECT CASE WHEN octet_length(c.given) < 64 THEN c.given END) AS n (usual)
$$;
COMMENT ON FUNCTION asymm._set_not_null(text, text, jsonb) IS 'Statement that makes a column NOT NULL, under the constraint''s own name if it has one.';

CREATE OR REPLACE FUNCTION asymm._plan_not_null(declared jsonb, actual jsonb, context jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := context ->> 'rel';
BEGIN
    RETURN QUERY
    WITH c AS (
        SELECT d.key, COALESCE(d.value -> 'not_null_as', '{}') AS d, COALESCE(p.facts, '{}') AS a, v.present,
               COALESCE(d.value #>> '{not_null_as,name}', concat(v.relname, '_', d.key, '_not_null')) AS wanted
          FROM jsonb_each(declared) AS d
         CROSS JOIN LATERAL (SELECT CASE
                   -- As the column, or its NOT NULL, has just been made.
                   WHEN context -> 'column' ->> d.key IN ('add', 'remake') OR actual #> ARRAY[d.key, 'not_null'] IS NULL
                       THEN (d.value -> 'not_null_as') - 'comment'
                            - CASE WHEN context -> 'column' ->> d.key IN ('add', 'remake') OR context -> 'relid' = 'null'
                                   THEN '{not_valid}'::text[] ELSE '{}' END
                   ELSE actual #> ARRAY[d.key, 'not_null_as'] END) AS p (facts)
         CROSS JOIN LATERAL (SELECT (parse_ident(v_rel))[2] AS relname) AS r
          LEFT JOIN LATERAL (
              SELECT k.conname AS present FROM pg_constraint AS k JOIN pg_attribute AS t ON t.attrelid = k.conrelid AND k.conkey = ARRAY[t.attnum]
               WHERE k.conrelid = (context ->> 'relid')::oid AND k.contype = 'n' AND t.attname = d.key) AS k ON true
         CROSS JOIN LATERAL (SELECT r.relname, COALESCE(p.facts ->> 'name', k.present, concat(r.relname, '_', d.key, '_not_null')) AS present) AS v
         WHERE d.value ? 'not_null' AND p.facts IS DISTINCT FROM d.value -> 'not_null_as'
           -- What it takes over from a parent it goes back to, keeps the name it has.
           AND NOT ((context -> 'linked')::boolean AND d.value ? 'inherited')),
    x AS (SELECT c.*, CASE WHEN c.d ? 'no_inherit' THEN 'NO INHERIT' ELSE 'INHERIT' END AS d_inherit,
                 CASE WHEN c.a ? 'no_inherit' THEN 'NO INHERIT' ELSE 'INHERIT' END AS a_inherit FROM c),
    s AS (
        SELECT 456 AS phase, c.key, format('ALTER TABLE %s VALIDATE CONSTRAINT %I', v_rel, c.present) AS forward,
               format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I NOT NULL %I NOT VALID', v_rel, c.present, c.present, c.key) AS inverse,
               ARRAY['scans table', 'may fail on data'] AS hazards
          FROM c WHERE c.a ? 'not_valid' AND NOT c.d ? 'not_valid'
        UNION ALL
        SELECT 456, c.key, format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I NOT NULL %I NOT VALID', v_rel, c.present, c.present, c.key),
               format('ALTER TABLE %s VALIDATE CONSTRAINT %I', v_rel, c.present), '{}'
          FROM c WHERE c.d ? 'not_valid' AND NOT c.a ? 'not_valid'
        UNION ALL
        SELECT 457, c.key, format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', v_rel, c.present, c.wanted),
               format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', v_rel, c.wanted, c.present), '{}'
          FROM c WHERE c.present <> c.wanted
        UNION ALL
        SELECT 458, x.key, format('ALTER TABLE %s ALTER CONSTRAINT %I %s', v_rel, x.wanted, x.d_inherit),
               format('ALTER TABLE %s ALTER CONSTRAINT %I %s', v_rel, x.wanted, x.a_inherit), '{}'
          FROM x WHERE x.d_inherit <> x.a_inherit
        UNION ALL
        SELECT 700, c.key, format('COMMENT ON CONSTRAINT %I ON %s IS %L', c.wanted, v_rel, c.d ->> 'comment'),
               format('COMMENT ON CONSTRAINT %I ON %s IS %L', c.wanted, v_rel, c.a ->> 'comment'), '{}'
          FROM c WHERE c.d -> 'comment' IS DISTINCT FROM c.a -> 'comment')
    SELECT s.phase, 0, 'column', s.key, s.forward, s.inverse, 'ACCESS EXCLUSIVE', s.hazards, NULL::text FROM s;
END
$$;
COMMENT ON FUNCTION asymm._plan_not_null(jsonb, jsonb, jsonb) IS 'Steps that mend names, validity, inheritance and comments of NOT NULL constraints.';
