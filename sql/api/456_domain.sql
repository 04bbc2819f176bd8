-- Steps for domains: default, NOT NULL and constraints are mended where they stand, another base type or collation
-- needs a swap. What calls functions of one's own is made once those are, and goes before they do.

CREATE OR REPLACE FUNCTION asymm._calls_own(expression text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT COALESCE(expression ~ '\.("([^"]|"")+"|[[:alpha:]_][[:alnum:]_$]*)\(|OPERATOR\(|::regclass', false) $$;
COMMENT ON FUNCTION asymm._calls_own(text) IS 'Whether an expression calls a function or operator outside of pg_catalog, or names a relation.';

CREATE OR REPLACE FUNCTION asymm._domain_check(name text, facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT format('CONSTRAINT %I %s', name, asymm._replayable(facts ->> 'def')) $$;
COMMENT ON FUNCTION asymm._domain_check(text, jsonb) IS 'A constraint as CREATE DOMAIN and ADD have it.';

-- Its usual name is told too: another domain, one that is stepping aside, may have taken it.
CREATE OR REPLACE FUNCTION asymm._domain_not_null(identity text, facts jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN current_setting('server_version_num')::integer < 170000 THEN 'NOT NULL'
                ELSE format('CONSTRAINT %I NOT NULL', COALESCE(facts ->> 'not_null_name', asymm._not_null_name((parse_ident(identity))[2]))) END
$$;
COMMENT ON FUNCTION asymm._domain_not_null(text, jsonb) IS 'NOT NULL of a domain with its name, where it has one.';

CREATE OR REPLACE FUNCTION asymm._plan_domain_made(identity text, declared jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH m AS (SELECT declared #> '{domain,""}' AS m),
    k AS (SELECT c.key, c.value, asymm._calls_own(c.value ->> 'def') AS late, c.value ->> 'def' LIKE '% NOT VALID' AS unproven
            FROM jsonb_each(declared -> 'constraint') AS c)
    SELECT 30, 20, 'domain', '', concat_ws(' ', format('CREATE DOMAIN %s AS %s', identity, m.m ->> 'type'), 'COLLATE ' || (m.m ->> 'collation'),
               CASE WHEN NOT asymm._calls_own(m.m ->> 'default') THEN 'DEFAULT ' || (m.m ->> 'default') END,
               CASE WHEN m.m ? 'not_null' THEN asymm._domain_not_null(identity, m.m) END,
               (SELECT string_agg(asymm._domain_check(k.key, k.value), ' ' ORDER BY k.key COLLATE "C") FROM k WHERE NOT k.late AND NOT k.unproven)),
           format('DROP DOMAIN %s', identity), 'none', '{}'::text[], NULL::text
      FROM m
    UNION ALL
    SELECT 35, 20, 'domain', '', format('ALTER DOMAIN %s SET DEFAULT %s', identity, m.m ->> 'default'),
           format('ALTER DOMAIN %s DROP DEFAULT', identity), 'none', '{}', NULL
      FROM m WHERE asymm._calls_own(m.m ->> 'default')
    UNION ALL
    SELECT CASE WHEN k.late THEN 35 ELSE 30 END, 21, 'constraint', k.key,
           format('ALTER DOMAIN %s ADD %s', identity, asymm._domain_check(k.key, k.value)),
           format('ALTER DOMAIN %s DROP CONSTRAINT %I', identity, k.key), 'none', '{}', NULL
      FROM k WHERE k.late OR k.unproven;
END
$$;
COMMENT ON FUNCTION asymm._plan_domain_made(text, jsonb) IS 'Steps that make a domain.';

CREATE OR REPLACE FUNCTION asymm._domain_renames(declared jsonb, actual jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        WITH g AS (SELECT a.key, a.value ->> 'def' AS def, row_number() OVER (PARTITION BY a.value ->> 'def' ORDER BY a.key COLLATE "C") AS n
                     FROM jsonb_each(actual -> 'constraint') AS a WHERE (declared -> 'constraint' ? a.key) IS NOT TRUE),
        c AS (SELECT d.key, d.value ->> 'def' AS def, row_number() OVER (PARTITION BY d.value ->> 'def' ORDER BY d.key COLLATE "C") AS n
                FROM jsonb_each(declared -> 'constraint') AS d WHERE (actual -> 'constraint' ? d.key) IS NOT TRUE)
        SELECT COALESCE(jsonb_object_agg(c.key, g.key), '{}') FROM c JOIN g ON g.def = c.def AND g.n = c.n);
END
$$;
COMMENT ON FUNCTION asymm._domain_renames(jsonb, jsonb) IS 'Constraints of a domain that only have another name: declared name → present name.';

CREATE OR REPLACE FUNCTION asymm._plan_domain_mended(identity text, declared jsonb, actual jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH m AS (SELECT declared #> '{domain,""}' AS d, actual #> '{domain,""}' AS a, 'ALTER DOMAIN ' || identity AS head),
    c AS (
        SELECT COALESCE(d.key, a.key) AS key, d.value AS d, a.value AS a
          FROM jsonb_each(declared -> 'constraint') AS d FULL JOIN jsonb_each(actual -> 'constraint') AS a ON a.key = d.key),
    n AS (SELECT x.key AS now, x.value AS was FROM jsonb_each_text(asymm._domain_renames(declared, actual)) AS x),
    k AS (
        SELECT c.*, regexp_replace(c.d ->> 'def', ' NOT VALID$', '') = regexp_replace(c.a ->> 'def', ' NOT VALID$', '')
                    AND c.a ->> 'def' LIKE '% NOT VALID' AS proven
          FROM c WHERE c.d -> 'def' IS DISTINCT FROM c.a -> 'def' AND c.key NOT IN (SELECT n.was FROM n UNION ALL SELECT n.now FROM n))
    SELECT 8, 0, 'constraint', k.key, format('%s DROP CONSTRAINT %I', m.head, k.key),
           concat_ws(E';\n', format('%s ADD %s', m.head, asymm._domain_check(k.key, k.a)),
                     CASE WHEN k.a ? 'comment' THEN format('COMMENT ON CONSTRAINT %I ON DOMAIN %s IS %L', k.key, identity, k.a ->> 'comment') END),
           'none', '{}'::text[], NULL::text
      FROM m, k WHERE k.a IS NOT NULL AND k.proven IS NOT TRUE
    UNION ALL
    SELECT 8, 1, 'domain', '', m.head || ' DROP DEFAULT', format('%s SET DEFAULT %s', m.head, m.a ->> 'default'), 'none', '{}', NULL
      FROM m WHERE m.a ? 'default' AND m.d -> 'default' IS DISTINCT FROM m.a -> 'default'
    UNION ALL
    SELECT 30, 20, 'domain', '', m.head || ' DROP NOT NULL', m.head || ' SET NOT NULL', 'none', '{}', NULL
      FROM m WHERE m.a ? 'not_null' AND NOT m.d ? 'not_null'
    UNION ALL
    SELECT 30, 20, 'constraint', n.now, format('%s RENAME CONSTRAINT %I TO %I', m.head, n.was, n.now),
           format('%s RENAME CONSTRAINT %I TO %I', m.head, n.now, n.was), 'none', '{}', NULL
      FROM m, n
    UNION ALL
    SELECT CASE WHEN asymm._calls_own(m.d ->> 'default') THEN 35 ELSE 30 END, 21, 'domain', '',
           format('%s SET DEFAULT %s', m.head, m.d ->> 'default'),
           m.head || ' DROP DEFAULT', 'none', '{}', NULL
      FROM m WHERE m.d ? 'default' AND m.d -> 'default' IS DISTINCT FROM m.a -> 'default'
    UNION ALL
    SELECT 30, 22, 'domain', '', CASE WHEN m.d ? 'not_null_name' THEN format('%s ADD %s', m.head, asymm._domain_not_null(identity, m.d))
                                      ELSE m.head || ' SET NOT NULL' END,
           m.head || ' DROP NOT NULL', 'SHARE', ARRAY['scans table', 'may fail on data'], NULL
      FROM m WHERE m.d ? 'not_null' AND NOT m.a ? 'not_null'
    UNION ALL
    SELECT 30, 22, 'domain', '', format('%s RENAME CONSTRAINT %I TO %I', m.head, x.was, x.now),
           format('%s RENAME CONSTRAINT %I TO %I', m.head, x.now, x.was),
           'none', '{}', NULL
      FROM m CROSS JOIN LATERAL (SELECT asymm._not_null_name((parse_ident(identity))[2]) AS usual) AS p
     CROSS JOIN LATERAL (SELECT COALESCE(m.a ->> 'not_null_name', p.usual) AS was, COALESCE(m.d ->> 'not_null_name', p.usual) AS now) AS x
     WHERE m.d ? 'not_null' AND m.a ? 'not_null' AND x.was <> x.now
    UNION ALL
    SELECT CASE WHEN asymm._calls_own(k.d ->> 'def') THEN 35 ELSE 30 END, 23, 'constraint', k.key,
           format('%s ADD %s', m.head, asymm._domain_check(k.key, k.d)), format('%s DROP CONSTRAINT %I', m.head, k.key), 'SHARE',
           CASE WHEN k.d ->> 'def' LIKE '% NOT VALID' THEN '{}' ELSE ARRAY['scans table', 'may fail on data'] END, NULL
      FROM m, k WHERE k.d IS NOT NULL AND k.proven IS NOT TRUE
    UNION ALL
    SELECT 30, 24, 'constraint', k.key, format('%s VALIDATE CONSTRAINT %I', m.head, k.key),
           concat_ws(E';\n', format('%s DROP CONSTRAINT %I', m.head, k.key), format('%s ADD %s', m.head, asymm._domain_check(k.key, k.a)),
                     CASE WHEN k.a ? 'comment' THEN format('COMMENT ON CONSTRAINT %I ON DOMAIN %s IS %L', k.key, identity, k.a ->> 'comment') END),
           'SHARE', ARRAY['scans table', 'may fail on data'], NULL
      FROM m, k WHERE k.proven;
END
$$;
COMMENT ON FUNCTION asymm._plan_domain_mended(text, jsonb, jsonb) IS 'Steps that mend default, NOT NULL and constraints of a domain where it stands.';

CREATE OR REPLACE FUNCTION asymm._plan_domain(schema_name text, object_name text, declared jsonb, actual jsonb, object_id oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_id text := format('%I.%I', schema_name, object_name);
    v_swap boolean := asymm._remakes_types('domain', declared, actual);
BEGIN
    IF actual IS NULL THEN
        RETURN QUERY SELECT s.* FROM asymm._plan_domain_made(v_id, declared) AS s;
    ELSIF v_swap THEN
        RETURN QUERY
        SELECT 30, 25, 'domain', '', s.* FROM asymm._plan_swap('pg_type'::regclass, object_id, 'domain', schema_name, object_name,
            asymm._with_keeping(declared, actual), actual) AS s;
    ELSE
        RETURN QUERY SELECT s.* FROM asymm._plan_domain_mended(v_id, declared, actual) AS s;
    END IF;
    RETURN QUERY
    SELECT c.* FROM asymm._plan_common('DOMAIN', v_id, 'T', 'domain', '', declared #> '{domain,""}', actual #> '{domain,""}') AS c
    UNION ALL
    SELECT c.*
      FROM jsonb_each(declared -> 'constraint') AS d
     -- What was dropped and added comes without its comment; what got another name keeps it.
     CROSS JOIN LATERAL (SELECT actual #> ARRAY['constraint', COALESCE(asymm._domain_renames(declared, actual) ->> d.key, d.key)] AS facts) AS o
     CROSS JOIN LATERAL (SELECT CASE WHEN o.facts ->> 'def' IN (d.value ->> 'def', (d.value ->> 'def') || ' NOT VALID')
                                     THEN o.facts END AS facts) AS w
     CROSS JOIN LATERAL asymm._plan_common('CONSTRAINT', format('%I ON DOMAIN %s', d.key, v_id), NULL, 'constraint', d.key, d.value, w.facts) AS c
     WHERE NOT v_swap;
END
$$;
COMMENT ON FUNCTION asymm._plan_domain(text, text, jsonb, jsonb, oid) IS 'Steps that turn a domain as it is, or is not, into the declared one.';
