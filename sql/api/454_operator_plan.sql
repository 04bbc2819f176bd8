-- Repair of operators, operator classes and families, casts and transforms: their definitions and what can be altered.

CREATE OR REPLACE FUNCTION asymm._operator_definition(kind text, identity text, facts jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_main jsonb := facts #> ARRAY[kind, ''];
BEGIN
    RETURN CASE kind
        WHEN 'operator' THEN format('CREATE OPERATOR %s (%s)', substring(identity FROM '^(?:"(?:[^"]|"")*"|[^".(]+)\.[^(]+'), concat_ws(', ',
            'FUNCTION = ' || (v_main ->> 'function'), 'LEFTARG = ' || (v_main ->> 'left'), 'RIGHTARG = ' || (v_main ->> 'right'),
            'COMMUTATOR = OPERATOR(' || (v_main ->> 'commutator') || ')', 'NEGATOR = OPERATOR(' || (v_main ->> 'negator') || ')',
            'RESTRICT = ' || (v_main ->> 'restrict'), 'JOIN = ' || (v_main ->> 'join'),
            CASE WHEN v_main ? 'hashes' THEN 'HASHES' END, CASE WHEN v_main ? 'merges' THEN 'MERGES' END))
        WHEN 'operator family' THEN format('CREATE OPERATOR FAMILY %s', identity)
        WHEN 'operator class' THEN format('CREATE OPERATOR CLASS %s %sFOR TYPE %s USING %s FAMILY %s AS %s',
            substring(identity FROM '^(.*) USING '), CASE WHEN v_main ? 'default' THEN 'DEFAULT ' ELSE '' END,
            v_main ->> 'type', substring(identity FROM ' USING ((?:"(?:[^"]|"")*"|[a-z0-9_]+))$'), v_main ->> 'family',
            -- Nothing between the parentheses is no class: the type itself is the default of STORAGE.
            concat_ws(', ', CASE WHEN v_main ? 'storage' OR NOT facts ?| ARRAY['operator', 'function']
                                 THEN 'STORAGE ' || COALESCE(v_main ->> 'storage', v_main ->> 'type') END,
                      (SELECT string_agg(asymm._member_definition(m.part, m.name, m.facts), ', ' ORDER BY m.part DESC, m.nth, m.name COLLATE "C")
                         FROM asymm._member_rows(facts) AS m)))
        WHEN 'cast' THEN concat_ws(' ', 'CREATE CAST', identity, CASE v_main ->> 'method' WHEN 'inout' THEN 'WITH INOUT'
            WHEN 'binary' THEN 'WITHOUT FUNCTION' ELSE 'WITH FUNCTION ' || (v_main ->> 'function') END, 'AS ' || upper(v_main ->> 'context'))
        WHEN 'transform' THEN format('CREATE OR REPLACE TRANSFORM %s (%s)', identity, concat_ws(', ',
            'FROM SQL WITH FUNCTION ' || (v_main ->> 'from_sql'), 'TO SQL WITH FUNCTION ' || (v_main ->> 'to_sql'))) END;
END
$$;
COMMENT ON FUNCTION asymm._operator_definition(text, text, jsonb) IS 'CREATE of an operator, operator class or family, cast or transform from its facts.';

CREATE OR REPLACE FUNCTION asymm._member_rows(facts jsonb) RETURNS TABLE (part text, name text, nth integer, facts jsonb)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.part, m.key, split_part(m.key, ' ', 1)::integer, m.value
      FROM (VALUES ('operator'), ('function')) AS p (part)
     CROSS JOIN LATERAL jsonb_each(_member_rows.facts -> p.part) AS m
$$;
COMMENT ON FUNCTION asymm._member_rows(jsonb) IS 'Operators and support functions in the facts of an operator class or family.';

CREATE OR REPLACE FUNCTION asymm._member_definition(part text, name text, facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE part WHEN 'operator' THEN concat_ws(' ', 'OPERATOR', split_part(name, ' ', 1), facts ->> 'operator',
                                                    'FOR ORDER BY ' || (facts ->> 'order_by'))
                     ELSE concat_ws(' ', 'FUNCTION', name, facts ->> 'function') END
$$;
COMMENT ON FUNCTION asymm._member_definition(text, text, jsonb) IS 'A member of an operator class or family as CREATE and ALTER want it.';

-- From version 17 on ALTER OPERATOR gives what was not there; nothing takes it away.
CREATE OR REPLACE FUNCTION asymm._operator_remade(declared jsonb, actual jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM jsonb_each(declared) AS d FULL JOIN jsonb_each(actual) AS a USING (key)
                    WHERE key NOT IN ('owner', 'comment', 'restrict', 'join') AND d.value IS DISTINCT FROM a.value
                      AND (a.value IS NOT NULL OR current_setting('server_version_num')::integer < 170000
                           OR key NOT IN ('commutator', 'negator', 'hashes', 'merges')))
$$;
COMMENT ON FUNCTION asymm._operator_remade(jsonb, jsonb) IS 'Whether an operator can''t be altered into what is declared.';

CREATE OR REPLACE FUNCTION asymm._plan_operator(kind text, identity text, script text, of_phase integer, of_ord integer, declared jsonb, actual jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_forward text;
    v_inverse text;
BEGIN
    IF kind = 'operator' AND actual IS NOT NULL THEN
        SELECT string_agg(format(CASE x.key WHEN 'commutator' THEN 'COMMUTATOR = OPERATOR(%s)' WHEN 'negator' THEN 'NEGATOR = OPERATOR(%s)'
                                            WHEN 'hashes' THEN 'HASHES' WHEN 'merges' THEN 'MERGES' ELSE upper(x.key) || ' = %s' END,
                                 COALESCE(x.declared, 'NONE')), ', ' ORDER BY x.key),
               string_agg(format('%s = %s', upper(x.key), COALESCE(x.actual, 'NONE')), ', ' ORDER BY x.key)
                   FILTER (WHERE x.key IN ('restrict', 'join'))
          INTO v_forward, v_inverse
          FROM (SELECT key, d.value AS declared, a.value AS actual
                  FROM jsonb_each_text(declared #> '{operator,""}') AS d FULL JOIN jsonb_each_text(actual #> '{operator,""}') AS a USING (key)) AS x
         WHERE x.key NOT IN ('owner', 'comment') AND x.declared IS DISTINCT FROM x.actual;
        RETURN QUERY
        SELECT of_phase, of_ord + 1, kind, '', format('ALTER OPERATOR %s SET (%s)', identity, v_forward),
               CASE WHEN asymm._operator_remade(actual #> '{operator,""}', declared #> '{operator,""}')
                    THEN concat_ws(E';\n', format('DROP OPERATOR %s', identity), script)
                    ELSE format('ALTER OPERATOR %s SET (%s)', identity, v_inverse) END, 'none', '{}'::text[], NULL::text
         WHERE v_forward IS NOT NULL;
    ELSIF kind = 'operator family' THEN
        RETURN QUERY
        WITH m AS (
            SELECT part, name, d.nth, d.facts AS declared, a.facts AS actual,
                   format('%s %s', upper(part), name) AS slot
              FROM asymm._member_rows(declared) AS d FULL JOIN asymm._member_rows(actual) AS a USING (part, name)
             WHERE d.facts IS DISTINCT FROM a.facts)
        -- A member that goes makes room before one comes.
        SELECT 10, 0, m.part, m.name, format('ALTER OPERATOR FAMILY %s DROP %s', identity, m.slot),
               format('ALTER OPERATOR FAMILY %s ADD %s', identity, asymm._member_definition(m.part, m.name, m.actual)),
               'none', '{}'::text[], NULL::text
          FROM m WHERE m.actual IS NOT NULL
        UNION ALL
        SELECT 445, CASE m.part WHEN 'operator' THEN 9000 ELSE 9001 END, m.part, m.name,
               format('ALTER OPERATOR FAMILY %s ADD %s', identity, asymm._member_definition(m.part, m.name, m.declared)),
               format('ALTER OPERATOR FAMILY %s DROP %s', identity, m.slot), 'none', '{}', NULL
          FROM m WHERE m.declared IS NOT NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._plan_operator(text, text, text, integer, integer, jsonb, jsonb)
    IS 'Steps that alter an operator where it stands, or the loose members of an operator family.';
