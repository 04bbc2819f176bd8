-- Which policy holds: what watch() and its like said, and rules by name, kind, size and hazard. The most specific wins.

-- What a step of a plan may do beyond the plain change of a catalog; the planners use these words and no others, save
-- 'not healable: why'.
CREATE OR REPLACE FUNCTION asymm._hazard_words() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY['deletes data', 'rewrites table', 'scans table', 'builds index', 'may fail on data', 'changes owner', 'changes privileges']
$$;
COMMENT ON FUNCTION asymm._hazard_words() IS 'Every hazard a step of a repair can have, the gravest first.';

-- Heal says nothing about these: they take a rule that names them.
CREATE OR REPLACE FUNCTION asymm._hazard_default(hazard text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN hazard = 'deletes data' THEN 'left out of a repair, unless a check under lock finds nothing that would be lost'
                WHEN hazard = 'rewrites table' THEN 'no rewrite unless a rule for this hazard says heal'
                WHEN hazard <> ALL (asymm._hazard_words()) THEN 'no rule can name it' END;
END
$$;
COMMENT ON FUNCTION asymm._hazard_default(text) IS 'What policy heal does not extend to unless a rule names the hazard, in words; NULL for hazards that go with heal.';

CREATE OR REPLACE FUNCTION asymm._rule_conditions(pattern text, kind text, hazard text, larger_than bigint) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN COALESCE(NULLIF(concat_ws(', ', 'name ' || pattern, 'kind ' || kind, 'hazard ' || hazard,
                                     'larger than ' || pg_size_pretty(larger_than)), ''), 'everything');
END
$$;
COMMENT ON FUNCTION asymm._rule_conditions(text, text, text, bigint) IS 'The conditions of a rule in words.';

CREATE OR REPLACE FUNCTION asymm._has_wildcard(pattern text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN regexp_replace(pattern, '\\.', '', 'g') ~ '[%_]';
END
$$;
COMMENT ON FUNCTION asymm._has_wildcard(text) IS 'Whether a LIKE pattern fits more than one text.';

-- Names are displayed quoted where they have to be, so what is shown can be written; then _ is no wildcard.
CREATE OR REPLACE FUNCTION asymm._pattern_fits(pattern text, display text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN pattern IS NULL OR display COLLATE "C" = pattern OR display COLLATE "C" LIKE pattern;
END
$$;
COMMENT ON FUNCTION asymm._pattern_fits(text, text) IS 'Whether a rule with this pattern is about an object displayed so.';

CREATE OR REPLACE FUNCTION asymm._relation_bytes(relation oid, OUT total bigint, OUT own bigint)
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT sum(pg_total_relation_size(r.oid))::bigint, sum(pg_table_size(r.oid))::bigint
      FROM (SELECT c.oid FROM pg_class AS c WHERE c.oid = relation AND c.relkind IN ('r', 'm')
            UNION SELECT p.relid FROM pg_class AS c CROSS JOIN LATERAL pg_partition_tree(c.oid) AS p
                   WHERE c.oid = relation AND c.relkind = 'p') AS r
$$;
COMMENT ON FUNCTION asymm._relation_bytes(oid) IS 'Bytes of a table (partitions included) or materialized view, with its indexes and without; NULL for anything else.';

-- All that may be said about an object (baseline NULL: one that was never declared), or about a hazard of its repair, best
-- first; the one ordering there is. A rule counts where its setter may act for the owner. bytes NULL: sizes are not asked.
CREATE OR REPLACE FUNCTION asymm._policy_candidates(
    baseline bigint, kind text, schema_name text, object_name text, owner name, hazard text, bytes bigint)
RETURNS TABLE (place bigint, policy text, decided_by text, rule bigint, conditions text, set_by name, named boolean, lost text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_kind constant text := kind;
    v_hazard constant text := hazard;
    v_bytes constant bigint := bytes;
    v_owner constant name := owner;
    v_display constant text := asymm._object_display(kind, schema_name, object_name);
    v_schema constant text := CASE WHEN kind = 'schema' THEN object_name ELSE schema_name END;
BEGIN
    RETURN QUERY
    WITH b AS (
        -- By whom the object got its policy: the narrowest that could.
        SELECT COALESCE(x.watch_policy, x.policy) AS policy, x.watched_by, x.watched_at,
               CASE WHEN NOT x.by_schema THEN 'watch'
                    WHEN EXISTS (SELECT FROM asymm.watched_schema AS w WHERE w.schema_name = v_schema) THEN 'watch_schema'
                    WHEN EXISTS (SELECT FROM asymm.watched_database) THEN 'watch_database' ELSE 'approve_baseline' END AS said_by
          FROM asymm.baseline AS x WHERE x.id = baseline),
    c AS (
        SELECT r.policy, 'rule' AS decided_by, r.id AS rule, asymm._rule_conditions(r.pattern, r.kind, r.hazard, r.larger_than) AS conditions,
               r.set_by, r.set_at AS at, asymm._role_may_act(r.set_by, v_owner) AS counts, r.hazard IS NOT NULL AS named, e.exact,
               -- An exact name says the kind as well.
               CASE WHEN e.exact THEN 0
                    ELSE COALESCE(length(translate(regexp_replace(r.pattern, '\\.', 'x', 'g'), '%_', '')), -1) END AS letters,
               false AS of_schema, e.exact OR r.kind IS NOT NULL AS of_kind, COALESCE(r.larger_than, -1) AS bytes
          FROM asymm.policy_rule AS r
         CROSS JOIN LATERAL (SELECT COALESCE(v_display = r.pattern OR NOT asymm._has_wildcard(r.pattern), false) AS exact) AS e
         WHERE asymm._pattern_fits(r.pattern, v_display) AND (r.kind IS NULL OR r.kind = v_kind)
           AND (r.hazard IS NULL OR r.hazard = v_hazard) AND (r.larger_than IS NULL OR v_bytes > r.larger_than)
        UNION ALL
        SELECT w.policy, w.said_by, NULL,
               CASE w.said_by WHEN 'watch' THEN 'this object' WHEN 'watch_schema' THEN 'schema ' || quote_ident(v_schema)
                              WHEN 'watch_database' THEN 'everything' ELSE 'an approved document' END,
               w.watched_by, w.watched_at, true, false, w.said_by = 'watch',
               CASE WHEN w.said_by = 'watch' THEN 0 ELSE -1 END, w.said_by = 'watch_schema', w.said_by = 'watch', -1
          FROM (SELECT b.policy, b.said_by, b.watched_by, b.watched_at FROM b
                UNION ALL
                SELECT s.policy, 'watch_schema', s.watched_by, s.watched_at FROM asymm.watched_schema AS s
                 WHERE s.schema_name = v_schema AND NOT EXISTS (SELECT FROM b WHERE b.said_by = 'watch_schema')
                UNION ALL
                SELECT d.policy, 'watch_database', d.watched_by, d.watched_at FROM asymm.watched_database AS d
                 WHERE NOT EXISTS (SELECT FROM b WHERE b.said_by = 'watch_database')) AS w),
    k AS (
        SELECT c.*, ARRAY[c.counts::integer, c.named::integer, c.exact::integer, c.letters, c.of_schema::integer, c.of_kind::integer, c.bytes] AS key
          FROM c),
    o AS (
        SELECT k.*, row_number() OVER w AS place, first_value(k.key) OVER w AS best
          FROM k WINDOW w AS (ORDER BY k.key DESC, k.at DESC, k.rule DESC NULLS LAST)),
    -- Heal alone does not stand for every hazard.
    d AS (SELECT asymm._hazard_default(v_hazard) AS words FROM o
           WHERE o.place = 1 AND o.counts AND NOT o.named AND o.policy = 'heal' AND asymm._hazard_default(v_hazard) IS NOT NULL)
    SELECT 1::bigint, 'propose', 'default', NULL::bigint, d.words, NULL::name, true, NULL::text FROM d
    UNION ALL
    SELECT o.place + (SELECT count(*) FROM d), o.policy, o.decided_by, o.rule, o.conditions, o.set_by, o.named,
           CASE WHEN NOT o.counts THEN format('role "%s" may not act for %s', o.set_by,
                                              COALESCE(format('owner "%s"', v_owner), 'what has no owner'))
                WHEN o.place = 1 THEN CASE WHEN EXISTS (SELECT FROM d) THEN 'does not name the hazard' END
                WHEN o.key = o.best THEN 'older' ELSE 'less specific' END
      FROM o
     ORDER BY 1;
END
$$;
COMMENT ON FUNCTION asymm._policy_candidates(bigint, text, text, text, name, text, bigint)
    IS 'What may be said about an object or a hazard of its repair, in order, with why each lost; the first decides if nothing speaks against it.';
