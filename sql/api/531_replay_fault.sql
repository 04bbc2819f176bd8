-- What may be run again: one SELECT that reads tables of the owner acted for by functions that do nothing but read their arguments. That
-- planning it is safe was found before; to run it more is asked, of the tree the parser makes of it and of each view behind it.

CREATE OR REPLACE FUNCTION asymm._replay_tree_fault(tree text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE
        WHEN strpos(tree, ':hasModifyingCTE true ') > 0 OR tree ~ ':commandType [2-9] ' THEN 'it changes rows'
        WHEN strpos(tree, ':hasForUpdate true ') > 0 OR strpos(tree, ':rowMarks (') > 0 THEN 'it locks rows'
        WHEN strpos(tree, '{NEXTVALUEEXPR ') > 0 THEN 'it takes a number from a sequence'
        WHEN strpos(tree, '{CURRENTOFEXPR ') > 0 THEN 'it depends on a cursor'
        WHEN strpos(tree, ':tablesample {') > 0 THEN 'it takes a sample, another one each time'
        -- XMLTABLE and JSON_TABLE read texts as the types of their columns; those of users have numbers from 16384 on.
        WHEN tree ~ ':coltypes \(o[ \d]* [1-9]\d{4,}' OR strpos(tree, '{JSONEXPR ') > 0 AND tree ~ ':typid [1-9]\d{4,}'
            THEN 'it reads JSON or XML as a type of the user''s own'
    END;
END
$$;
COMMENT ON FUNCTION asymm._replay_tree_fault(text) IS 'Why a parsed query may not be run again, as far as its tree alone tells; NULL: nothing is in the way.';

-- Making a value of a type of the user's own may run what a domain of it checks; of enums nothing is run.
CREATE OR REPLACE FUNCTION asymm._replay_type_fault(types oid[]) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT format('it makes a value of %s, a type of the user''s own', t.oid::regtype)
              FROM pg_type AS t LEFT JOIN pg_type AS e ON e.oid = t.typelem AND t.typcategory = 'A'
             WHERE t.oid = ANY (types) AND t.oid >= 16384 AND COALESCE(e.typtype, t.typtype) <> 'e'
               AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_type'::regclass AND d.objid = COALESCE(e.oid, t.oid)
                                                            AND d.deptype = 'e')
             ORDER BY t.oid LIMIT 1);
END
$$;
COMMENT ON FUNCTION asymm._replay_type_fault(oid[]) IS 'The first of some types for whose values code of a user could run; NULL: none.';

-- What a function of a user's does cannot be seen, whatever it is called: it could ask another server from within. Those of the server
-- and of its extensions do what they are called; STABLE ones of extensions may run texts (crosstab), so they are not among them. Besides the
-- steady ones the time may be asked for, and the session.
CREATE OR REPLACE FUNCTION asymm._replay_function_fault(functions oid[], operators oid[]) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_asks constant oid[] := ARRAY['now()', 'transaction_timestamp()', 'statement_timestamp()', 'age(timestamptz)', 'age(timestamp)',
                                   'current_database()', 'current_schema()', 'current_setting(text)', 'version()', 'pg_typeof("any")'
                                  ]::regprocedure[]::oid[];
    v_called oid[] := functions || ARRAY(SELECT o.oprcode FROM pg_operator AS o WHERE o.oid = ANY (operators));
    v_foreign text;
BEGIN
    SELECT format('function %s is neither the server''s nor an extension''s: what it does cannot be seen', p.oid::regprocedure) INTO v_foreign
      FROM pg_proc AS p
     WHERE p.oid = ANY (v_called) AND p.oid >= 16384
       AND NOT EXISTS (SELECT FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid JOIN pg_roles AS r ON r.oid = p.proowner
                        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_extension'::regclass
                          AND d.deptype = 'e' AND r.rolsuper)
     ORDER BY p.oid LIMIT 1;
    RETURN COALESCE(v_foreign, asymm._unsteady_function(ARRAY(SELECT f.id FROM unnest(v_called) AS f (id) WHERE f.id <> ALL (v_asks)), '{}'));
END
$$;
COMMENT ON FUNCTION asymm._replay_function_fault(oid[], oid[]) IS 'The first of some functions, or of those behind operators and aggregates, that could do more than read its arguments; NULL: none.';

CREATE OR REPLACE FUNCTION asymm._replay_relation_fault(relids oid[]) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT CASE WHEN n.nspname IN ('pg_catalog', 'information_schema', 'asymm', 'pg_toast')
                        THEN format('%s is part of the system', c.oid::regclass)
                    WHEN c.relkind NOT IN ('r', 'p', 'v', 'm') THEN format('%s is no table or view of this database', c.oid::regclass)
                    WHEN c.relpersistence = 't' THEN format('%s is temporary', c.oid::regclass)
                    ELSE format('%s belongs to %s, for whom %s does not act', c.oid::regclass, pg_get_userbyid(c.relowner), quote_ident(session_user))
               END
          FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace LEFT JOIN pg_roles AS r ON r.oid = c.relowner
         WHERE c.oid = ANY (relids)
           AND (n.nspname IN ('pg_catalog', 'information_schema', 'asymm', 'pg_toast') OR c.relkind NOT IN ('r', 'p', 'v', 'm')
                OR c.relpersistence = 't' OR NOT (r.rolsuper OR pg_has_role(session_user, c.relowner, 'MEMBER')) IS NOT FALSE)
         ORDER BY c.oid LIMIT 1);
END
$$;
COMMENT ON FUNCTION asymm._replay_relation_fault(oid[])
    IS 'The first of some relations that may not be read again, and why: others could give it an index or a policy of theirs at any time.';

CREATE OR REPLACE FUNCTION asymm._with_parts(relids oid[]) RETURNS oid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (WITH RECURSIVE part AS (
                SELECT u.id FROM unnest(relids) AS u (id)
                UNION
                SELECT i.inhrelid FROM part AS p JOIN pg_inherits AS i ON i.inhparent = p.id)
            SELECT COALESCE(array_agg(p.id), '{}') FROM part AS p);
END
$$;
COMMENT ON FUNCTION asymm._with_parts(oid[]) IS 'Some relations with all partitions and children.';

-- Views are followed as they stand in the catalog, policies of tables too.
CREATE OR REPLACE FUNCTION asymm._replay_fault(tree text, OUT fault text, OUT relations oid[])
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_trees text[] := ARRAY[tree];
    v_tree text;
    v_fresh oid[];
    v_functions oid[] := '{}';
    v_operators oid[] := '{}';
    v record;
BEGIN
    relations := '{}';
    IF strpos(tree, ':commandType 1 ') = 0 OR strpos(tree, ':isReturn true ') > 0 THEN
        fault := 'it is not a SELECT';
    END IF;
    WHILE fault IS NULL AND cardinality(v_trees) > 0 LOOP
        v_tree := v_trees[1];
        v_trees := v_trees[2:];
        SELECT p.* INTO v FROM asymm._tree_parts(v_tree) AS p;
        v_functions := v_functions || v.functions;
        v_operators := v_operators || v.operators;
        fault := COALESCE(asymm._replay_tree_fault(v_tree), asymm._replay_type_fault(v.coerced));
        v_fresh := ARRAY(SELECT u.id FROM unnest(asymm._with_parts(v.relations)) AS u (id) WHERE u.id <> 0 AND u.id <> ALL (relations));
        IF fault IS NULL AND cardinality(v_fresh) > 0 THEN
            relations := relations || v_fresh;
            fault := asymm._replay_relation_fault(v_fresh);
            v_trees := v_trees || ARRAY(SELECT w.ev_action::text FROM pg_rewrite AS w JOIN pg_class AS c ON c.oid = w.ev_class
                                         WHERE w.ev_class = ANY (v_fresh) AND w.ev_type = '1' AND c.relkind = 'v')
                               || ARRAY(SELECT p.polqual::text FROM pg_policy AS p WHERE p.polrelid = ANY (v_fresh) AND p.polqual IS NOT NULL);
        END IF;
    END LOOP;
    fault := COALESCE(fault, asymm._replay_function_fault(v_functions, v_operators));
END
$$;
COMMENT ON FUNCTION asymm._replay_fault(text) IS 'Why a parsed query may not be run again, or NULL; and all relations it reads, behind views and with their partitions.';

-- A literal of a domain is read while a text is only parsed. That of a stranger's is known to planning; here nobody's function may run.
CREATE OR REPLACE FUNCTION asymm._replay_literal_fault(statement text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF statement !~ '''|\$\D' THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT format('it has a literal, and domain %s would run code to check one', k.contypid::regtype)
              FROM pg_constraint AS k CROSS JOIN LATERAL asymm._tree_parts(k.conbin::text) AS p
             WHERE k.contypid >= 16384 AND k.conbin IS NOT NULL AND asymm._replay_function_fault(p.functions, p.operators) IS NOT NULL
             ORDER BY k.oid LIMIT 1);
END
$$;
COMMENT ON FUNCTION asymm._replay_literal_fault(text) IS 'Why not even the literals of a text may be read, or NULL.';
