-- Sequences by themselves: those no column owns, and those of columns without a default. Where one stands is data: nothing
-- here moves it, and what drops one says so.

CREATE OR REPLACE FUNCTION asymm._sequence_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    -- Numbers as text: they go beyond what JSON readers hold exactly.
    RETURN QUERY
    SELECT r.oid, n.nspname::text, r.relname::text, pg_get_userbyid(r.relowner),
           jsonb_build_object('sequence', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'owner', pg_get_userbyid(r.relowner), 'type', format_type(q.seqtypid, NULL),
               'start', q.seqstart::text, 'increment', q.seqincrement::text, 'min', q.seqmin::text, 'max', q.seqmax::text,
               'cache', q.seqcache::text, 'cycle', CASE WHEN q.seqcycle THEN true END,
               'persistence', CASE WHEN r.relpersistence <> 'p' THEN r.relpersistence END, 'owned_by', o.name,
               'comment', asymm._comment_on(r.oid, 'pg_class'),
               'acl', CASE WHEN r.relacl IS NOT NULL THEN asymm._object_acl_facts(r.relacl, 's', r.relowner) END)))),
           '[]'::jsonb
      FROM pg_class AS r
      JOIN pg_namespace AS n ON n.oid = r.relnamespace
      JOIN pg_sequence AS q ON q.seqrelid = r.oid
      LEFT JOIN LATERAL (
          SELECT asymm._sequence_column(r.oid) AS name
            FROM pg_depend AS d
           WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a') AS o ON true
     WHERE r.oid = ANY (oids) AND r.relkind = 'S' AND r.relpersistence <> 't';
END
$$;
COMMENT ON FUNCTION asymm._sequence_facts(oid[]) IS 'Everything declared about each sequence as one document; not where it stands.';

CREATE OR REPLACE FUNCTION asymm._sequence_column(relid oid) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('%I.%I.%I', n.nspname, r.relname, a.attname)
      FROM pg_depend AS d
      JOIN pg_class AS r ON r.oid = d.refobjid
      JOIN pg_namespace AS n ON n.oid = r.relnamespace
      JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     WHERE d.classid = 'pg_class'::regclass AND d.objid = relid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
$$;
COMMENT ON FUNCTION asymm._sequence_column(oid) IS 'The column a sequence belongs to, by its qualified name; NULL when there is none.';

-- Of several sequences of a column that has a default, the one that this uses is the column's; the others are objects by
-- themselves.
CREATE OR REPLACE FUNCTION asymm._column_sequence(relid oid, attnum integer) RETURNS oid
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (
        SELECT c.oid
          FROM pg_attrdef AS f
          JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = f.adrelid AND d.refobjsubid = f.adnum
           AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'
          JOIN pg_class AS c ON c.oid = d.objid AND c.relkind = 'S'
         WHERE f.adrelid = relid AND f.adnum = attnum
         ORDER BY EXISTS (SELECT FROM pg_depend AS u WHERE u.classid = 'pg_attrdef'::regclass AND u.objid = f.oid
                             AND u.refclassid = 'pg_class'::regclass AND u.refobjid = c.oid) DESC, c.oid
         LIMIT 1);
END
$$;
COMMENT ON FUNCTION asymm._column_sequence(oid, integer) IS 'The sequence that counts to a column with a default, of those it owns; NULL when there is none.';

-- Where a sequence stands, for whoever may look at it.
CREATE OR REPLACE FUNCTION asymm._sequence_value(relid oid) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF has_sequence_privilege(relid, 'USAGE') OR has_sequence_privilege(relid, 'SELECT') THEN
        RETURN pg_sequence_last_value(relid::regclass);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._sequence_value(oid) IS 'The last value of a sequence; NULL when it was never used or is not for the caller to see.';

CREATE OR REPLACE FUNCTION asymm._sequence_statement(rel text, facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('CREATE %sSEQUENCE %s AS %s %s', CASE WHEN facts ->> 'persistence' = 'u' THEN 'UNLOGGED ' END, rel, facts ->> 'type',
                  asymm._sequence_options(facts))
$$;
COMMENT ON FUNCTION asymm._sequence_statement(text, jsonb) IS 'CREATE SEQUENCE from its facts.';

-- Where it stands may be outside of the declared bounds: then it is brought to where it counts on. One that was used loses
-- its place by that, one that was not starts where it is declared to.
CREATE OR REPLACE FUNCTION asymm._plan_sequence_options(rel text, declared jsonb, actual jsonb)
RETURNS TABLE (ord integer, forward text, inverse text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_min bigint := (declared ->> 'min')::bigint;
    v_max bigint := (declared ->> 'max')::bigint;
    v_old_min bigint := (actual ->> 'min')::bigint;
    v_old_max bigint := (actual ->> 'max')::bigint;
    v_up boolean := (declared ->> 'increment')::bigint > 0;
    v_narrower boolean := v_min > v_old_min OR v_max < v_old_max;
    v_hazards text[] := CASE WHEN v_narrower THEN ARRAY['deletes data'] ELSE '{}'::text[] END;
    v_precondition text := CASE WHEN v_narrower THEN
        format('SELECT NOT is_called OR last_value BETWEEN %s AND %s FROM %s', v_min, v_max, rel) END;
    v_back text := format('ALTER SEQUENCE %s AS %s %s', rel, actual ->> 'type', asymm._sequence_options(actual));
BEGIN
    IF v_narrower THEN
        RETURN QUERY
        SELECT 1, format('ALTER SEQUENCE %s AS %s MINVALUE %s MAXVALUE %s', rel,
                         CASE WHEN 'bigint' IN (declared ->> 'type', actual ->> 'type') THEN 'bigint'
                              WHEN 'integer' IN (declared ->> 'type', actual ->> 'type') THEN 'integer' ELSE 'smallint' END,
                         least(v_min, v_old_min), greatest(v_max, v_old_max)), v_back, v_hazards, v_precondition
         WHERE v_min > v_old_max OR v_max < v_old_min OR (declared ->> 'start')::bigint NOT BETWEEN v_old_min AND v_old_max
        UNION ALL
        SELECT 2, format('SELECT pg_catalog.setval(%L::pg_catalog.regclass, '
                         'CASE WHEN NOT is_called THEN %s WHEN last_value < %s THEN %s ELSE %s END, '
                         'is_called AND last_value %s %s) FROM %s WHERE last_value NOT BETWEEN %s AND %s',
                         rel, (declared ->> 'start')::bigint, v_min, v_min, v_max, CASE WHEN v_up THEN '>' ELSE '<' END,
                         CASE WHEN v_up THEN v_max ELSE v_min END, rel, v_min, v_max), v_back, v_hazards, v_precondition;
    END IF;
    RETURN QUERY
    SELECT 3, format('ALTER SEQUENCE %s AS %s %s', rel, declared ->> 'type', asymm._sequence_options(declared)), v_back, v_hazards, v_precondition;
END
$$;
COMMENT ON FUNCTION asymm._plan_sequence_options(text, jsonb, jsonb) IS 'Steps that give a sequence its declared type and options, wherever it stands.';

-- A whole sequence as a script, standing where it stood.
CREATE OR REPLACE FUNCTION asymm._plan_sequence_remade(rel text, actual jsonb, value bigint) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(E';\n', asymm._sequence_statement(rel, f.facts),
               CASE WHEN value IS NOT NULL THEN format('SELECT pg_catalog.setval(%L::pg_catalog.regclass, %s)', rel, value) END,
               (SELECT string_agg(c.forward, E';\n' ORDER BY c.phase, c.forward)
                  FROM asymm._plan_common('SEQUENCE', rel, 's', 'sequence', '', f.facts, NULL) AS c),
               CASE WHEN f.facts ? 'owned_by' THEN format('ALTER SEQUENCE %s OWNED BY %s', rel, f.facts ->> 'owned_by') END)
      FROM (SELECT actual #> '{sequence,""}' AS facts) AS f
$$;
COMMENT ON FUNCTION asymm._plan_sequence_remade(text, jsonb, bigint) IS 'Script that makes a dropped sequence again.';

-- Whether a declared column is to own a sequence: then it goes back there with its table.
CREATE OR REPLACE FUNCTION asymm._sequence_is_claimed(rel text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM asymm.baseline AS b
                    WHERE b.kind IN ('table', 'foreign table', 'view')
                      AND jsonb_path_exists(b.facts, '$.column.*.sequence.name ? (@ == $name)', jsonb_build_object('name', rel)))
$$;
COMMENT ON FUNCTION asymm._sequence_is_claimed(text) IS 'Whether a sequence, by its qualified name, is a fact of a declared column.';

CREATE OR REPLACE FUNCTION asymm._plan_sequence(schema_name text, object_name text, declared jsonb, actual jsonb, object_id oid)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := format('%I.%I', schema_name, object_name);
    v_wanted jsonb := declared #> '{sequence,""}';
    v_now jsonb := actual #> '{sequence,""}';
    v_apart constant text[] := ARRAY['owner', 'comment', 'acl', 'persistence', 'owned_by'];
    v_present oid;
    v_identity boolean := false;
    v_owned text := v_now ->> 'owned_by';
BEGIN
    IF declared IS NULL THEN
        -- A column's default may still name it: those are mended at 450.
        RETURN QUERY
        SELECT CASE WHEN EXISTS (SELECT FROM pg_depend AS d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = object_id
                                    AND d.classid = 'pg_attrdef'::regclass) THEN 458 ELSE 10 END, 0, 'sequence', '',
               format('DROP SEQUENCE %s', v_rel), asymm._plan_sequence_remade(v_rel, actual, asymm._sequence_value(object_id)),
               'ACCESS EXCLUSIVE', ARRAY['deletes data'], format('SELECT NOT is_called FROM %s', v_rel)
         WHERE NOT asymm._sequence_is_claimed(v_rel);
        RETURN;
    END IF;
    IF actual IS NULL THEN
        -- It may be there, as a fact of a column.
        SELECT d.objid, d.deptype = 'i' INTO v_present, v_identity
          FROM pg_depend AS d
         WHERE d.classid = 'pg_class'::regclass AND d.objid = asymm._relation_oid(v_rel) AND d.refclassid = 'pg_class'::regclass
           AND d.deptype IN ('a', 'i');
        IF v_present IS NOT NULL AND NOT v_identity THEN
            SELECT f.facts #> '{sequence,""}' INTO v_now FROM asymm._sequence_facts(ARRAY[v_present]) AS f;
            v_owned := v_now ->> 'owned_by';
        ELSE
            -- An identity's goes with it (314), its place is kept.
            RETURN QUERY
            SELECT CASE WHEN v_identity THEN 330 ELSE 32 END, 0, 'sequence', '', asymm._sequence_statement(v_rel, v_wanted),
                   format('DROP SEQUENCE %s', v_rel), 'none', '{}'::text[], NULL::text
            UNION ALL
            SELECT 331, 0, 'sequence', '', format('SELECT pg_catalog.setval(%L::pg_catalog.regclass, %s)', v_rel, v.value),
                   format('SELECT pg_catalog.setval(%L::pg_catalog.regclass, %s)', v_rel, v.value), 'none', '{}', NULL
              FROM (SELECT asymm._sequence_value(v_present) AS value) AS v
             WHERE v.value BETWEEN (v_wanted ->> 'min')::bigint AND (v_wanted ->> 'max')::bigint;
        END IF;
    END IF;
    IF v_now ? 'owned_by' AND v_wanted ->> 'owned_by' = v_owned AND v_present IS NULL THEN
        -- Its owner is the table's and follows it, with his privileges.
        IF v_now ? 'acl' AND v_now -> 'owner' <> v_wanted -> 'owner' THEN
            v_now := jsonb_set(v_now, '{acl}', (v_now -> 'acl') - (v_now ->> 'owner') - (v_wanted ->> 'owner')
                || jsonb_strip_nulls(jsonb_build_object(v_wanted ->> 'owner', v_now #> ARRAY['acl', v_now ->> 'owner'])));
        END IF;
        v_now := jsonb_set(v_now, '{owner}', v_wanted -> 'owner');
    ELSE
        RETURN QUERY
        SELECT 9, 0, 'sequence', '', format('ALTER SEQUENCE %s OWNED BY NONE', v_rel), format('ALTER SEQUENCE %s OWNED BY %s', v_rel, v_owned),
               'none', '{}'::text[], NULL::text WHERE v_owned IS NOT NULL
        UNION ALL
        -- Both have their owner by now.
        SELECT 816, 0, 'sequence', '', format('ALTER SEQUENCE %s OWNED BY %s', v_rel, v_wanted ->> 'owned_by'),
               format('ALTER SEQUENCE %s OWNED BY NONE', v_rel), 'none', '{}', NULL WHERE v_wanted ? 'owned_by';
    END IF;
    RETURN QUERY
    SELECT 32, o.ord, 'sequence', '', o.forward, o.inverse, 'SHARE ROW EXCLUSIVE', o.hazards, o.precondition
      FROM asymm._plan_sequence_options(v_rel, v_wanted, v_now) AS o
     WHERE v_now - v_apart <> v_wanted - v_apart
    UNION ALL
    SELECT 32, 9, 'sequence', '', format('ALTER SEQUENCE %s SET %s', v_rel, CASE WHEN v_wanted ? 'persistence' THEN 'UNLOGGED' ELSE 'LOGGED' END),
           format('ALTER SEQUENCE %s SET %s', v_rel, CASE WHEN v_now ? 'persistence' THEN 'UNLOGGED' ELSE 'LOGGED' END),
           'ACCESS EXCLUSIVE', '{}', NULL
     WHERE v_now IS NOT NULL AND v_now -> 'persistence' IS DISTINCT FROM v_wanted -> 'persistence'
    UNION ALL
    SELECT c.* FROM asymm._plan_common('SEQUENCE', v_rel, 's', 'sequence', '', v_wanted, v_now) AS c;
END
$$;
COMMENT ON FUNCTION asymm._plan_sequence(text, text, jsonb, jsonb, oid) IS 'Steps that make, drop or mend a sequence that is no fact of a column.';
