-- What operators, functions, casts and types of an expression are, looked up in the catalogs without running any.

-- Where a name is looked for: in the schema it is printed with, else in pg_catalog and the path the plan was printed with.
CREATE OR REPLACE FUNCTION asymm._searched_schemas(schema text, names jsonb) RETURNS oid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN schema IS NOT NULL THEN ARRAY(SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = schema)
                ELSE 'pg_catalog'::regnamespace::oid || ARRAY(SELECT p.oid::oid FROM jsonb_array_elements_text(names #> '{"",path}') AS p (oid)) END;
END
$$;
COMMENT ON FUNCTION asymm._searched_schemas(text, jsonb) IS 'The schemas in which a name of an expression is looked for, in order.';

CREATE OR REPLACE FUNCTION asymm._type_named(tokens text[], names jsonb, OUT type oid, OUT text text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_schema text := CASE WHEN tokens[2] = '.' THEN asymm._unquoted(tokens[1]) END;
    -- Without length and brackets.
    v_words text := regexp_replace(array_to_string(tokens, ' '), '\s*\([^()]*\)|\s*\[ \]', '', 'g');
    v_internal text := CASE v_words
        WHEN 'integer' THEN 'int4' WHEN 'bigint' THEN 'int8' WHEN 'smallint' THEN 'int2' WHEN 'real' THEN 'float4' WHEN 'boolean' THEN 'bool'
        WHEN 'double precision' THEN 'float8' WHEN 'character varying' THEN 'varchar' WHEN 'character' THEN 'bpchar' WHEN 'bit varying' THEN 'varbit'
        WHEN 'timestamp without time zone' THEN 'timestamp' WHEN 'timestamp with time zone' THEN 'timestamptz'
        WHEN 'time without time zone' THEN 'time' WHEN 'time with time zone' THEN 'timetz' END;
    v_name name := COALESCE(v_internal, asymm._unquoted(tokens[CASE WHEN v_schema IS NULL THEN 1 ELSE 3 END]));
    v_schemas oid[] := asymm._searched_schemas(v_schema, names);
    v record;
BEGIN
    SELECT t.oid, t.typarray, n.nspname INTO v
      FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
     WHERE t.typname = v_name AND t.typnamespace = ANY (v_schemas) ORDER BY array_position(v_schemas, t.typnamespace) LIMIT 1;
    type := CASE WHEN array_to_string(tokens, '') LIKE '%[]' THEN v.typarray ELSE v.oid END;
    text := array_to_string(tokens, ' ');
    text := replace(replace(replace(replace(replace(replace(text, ' (', '('), '( ', '('), ' )', ')'), ' ,', ','), ' [ ]', '[]'), ' . ', '.');
    IF v_schema IS NULL AND v.nspname <> 'pg_catalog' THEN
        text := format('%I.%s', v.nspname, text);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._type_named(text[], jsonb) IS 'The type a cast names, and its name with schema.';

-- An index is on a value as it is: casts that change nothing are looked through, also those of domains.
CREATE OR REPLACE FUNCTION asymm._cast_item(item jsonb, tokens text[], names jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_type record := asymm._type_named(tokens, names);
    v_from oid := asymm._base_type((item ->> 'y')::oid);
    v_made jsonb := item || jsonb_build_object('t', format('%s::%s', item ->> 't', v_type.text), 'y', v_type.type);
    v_method "char";
    v_immutable boolean;
BEGIN
    IF item ->> 'k' IN ('const', 'param') OR v_type.type IS NULL THEN
        RETURN v_made || CASE WHEN v_type.type IS NULL THEN '{"i": false}'::jsonb ELSE '{}' END;
    ELSIF v_from = v_type.type THEN
        -- A cast to the type it has hides another collation, unless that is written behind it or the column is of a domain.
        RETURN CASE WHEN v_from = (item ->> 'y')::oid THEN item || '{"same": true}' ELSE v_made END;
    END IF;
    SELECT c.castmethod, p.provolatile = 'i' AND asymm._trusts(p.proowner) INTO v_method, v_immutable
      FROM pg_cast AS c LEFT JOIN pg_proc AS p ON p.oid = c.castfunc WHERE c.castsource = v_from AND c.casttarget = asymm._base_type(v_type.type);
    IF v_method = 'b' THEN
        RETURN v_made;
    END IF;
    IF v_method IS DISTINCT FROM 'f' THEN
        -- Through text.
        SELECT bool_and(p.provolatile = 'i') INTO v_immutable
          FROM pg_type AS t JOIN pg_proc AS p ON p.oid = CASE WHEN t.oid = v_from THEN t.typoutput ELSE t.typinput END
         WHERE t.oid IN (v_from, v_type.type);
    END IF;
    -- Cut or rounded by a length too.
    RETURN (v_made - 'c' - 'l') || jsonb_build_object('k', 'expr', 'i', (item -> 'i') = 'true' AND v_from IS NOT NULL AND v_immutable IS TRUE
                                                                        -- A domain has checks.
                                                                        AND v_type.type = asymm._base_type(v_type.type));
END
$$;
COMMENT ON FUNCTION asymm._cast_item(jsonb, text[], jsonb) IS 'An expression with a cast.';

CREATE OR REPLACE FUNCTION asymm._base_type(type oid) RETURNS oid
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_type oid := type;
    v_base oid;
BEGIN
    LOOP
        SELECT t.typbasetype INTO v_base FROM pg_type AS t WHERE t.oid = v_type AND t.typtype = 'd';
        IF NOT FOUND THEN
            RETURN v_type;
        END IF;
        v_type := v_base;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._base_type(oid) IS 'The type a domain is made of; any other type itself.';

-- The types must be the same, as every cast is printed, but for those that take many, and domains. A parameter is printed
-- without its type.
CREATE OR REPLACE FUNCTION asymm._taken_as(type oid) RETURNS oid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_base oid := asymm._base_type(type);
BEGIN
    -- No argument at all is 0.
    IF type IS NULL OR type = 0 THEN
        RETURN CASE WHEN type = 0 THEN ARRAY[type] END;
    END IF;
    RETURN ARRAY[type, v_base]
           || (SELECT CASE WHEN t.typcategory = 'A' THEN '{anyarray,anycompatiblearray}'::regtype[]::oid[]
                           WHEN t.typtype = 'e' THEN '{anyenum,anynonarray,anycompatiblenonarray}'::regtype[]::oid[]
                           WHEN t.typtype = 'r' THEN '{anyrange,anycompatiblerange,anynonarray,anycompatiblenonarray}'::regtype[]::oid[]
                           WHEN t.typtype = 'm' THEN '{anymultirange,anycompatiblemultirange,anynonarray,anycompatiblenonarray}'::regtype[]::oid[]
                           WHEN t.typtype = 'c' THEN '{record,anynonarray,anycompatiblenonarray}'::regtype[]::oid[]
                           ELSE '{anynonarray,anycompatiblenonarray}'::regtype[]::oid[] END
                 FROM pg_type AS t WHERE t.oid = v_base)
           || '{anyelement,anycompatible,"\"any\""}'::regtype[]::oid[];
END
$$;
COMMENT ON FUNCTION asymm._taken_as(oid) IS 'Argument types that take a value of a type as it is, the best first; NULL, all, where it isn''t known.';

-- An index on an expression runs its functions as who builds it. The rule of asymm._untrusted_functions(): a superuser's, or, for
-- who isn't one, those of a role one may act for.
CREATE OR REPLACE FUNCTION asymm._trusts(owner oid) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT r.rolsuper FROM pg_roles AS r WHERE r.oid = owner)
           OR NOT (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = session_user) AND pg_has_role(session_user, owner, 'MEMBER');
END
$$;
COMMENT ON FUNCTION asymm._trusts(oid) IS 'Whether who is logged in may run the functions of a role.';

CREATE OR REPLACE FUNCTION asymm._operator_named(operator text, schema text, lhs oid, rhs oid, names jsonb)
RETURNS TABLE (oid oid, result oid, volatility "char", commutator oid, schema_found name)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_lefts oid[] := asymm._taken_as(lhs);
    v_rights oid[] := asymm._taken_as(rhs);
    v_schemas oid[] := asymm._searched_schemas(schema, names);
BEGIN
    RETURN QUERY
    SELECT o.oid, o.oprresult, CASE WHEN asymm._trusts(p.proowner) THEN p.provolatile ELSE 'v' END, o.oprcom, n.nspname
      FROM pg_operator AS o JOIN pg_namespace AS n ON n.oid = o.oprnamespace JOIN pg_proc AS p ON p.oid = o.oprcode
     WHERE o.oprname = operator AND (v_lefts IS NULL OR o.oprleft = ANY (v_lefts)) AND (v_rights IS NULL OR o.oprright = ANY (v_rights))
       AND o.oprnamespace = ANY (v_schemas)
     ORDER BY COALESCE(array_position(v_lefts, o.oprleft), 0) + COALESCE(array_position(v_rights, o.oprright), 0), o.oprleft <> o.oprright,
              array_position(v_schemas, o.oprnamespace), o.oid
     LIMIT 1;
END
$$;
COMMENT ON FUNCTION asymm._operator_named(text, text, oid, oid, jsonb) IS 'The operator of a name for two types, of which one may not be known.';

CREATE OR REPLACE FUNCTION asymm._operator_item(lhs jsonb, operator text, schema text, rhs jsonb, names jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_items jsonb := CASE WHEN lhs IS NULL THEN jsonb_build_array(rhs) ELSE jsonb_build_array(lhs, rhs) END;
    v_result oid;
    v_volatility "char";
    v_schema name;
    v_oid oid;
    v_commutator oid;
BEGIN
    SELECT o.oid, o.result, o.volatility, o.commutator, o.schema_found INTO v_oid, v_result, v_volatility, v_commutator, v_schema
      FROM asymm._operator_named(operator, schema, CASE WHEN lhs IS NULL THEN 0 ELSE (lhs ->> 'y')::oid END, (rhs ->> 'y')::oid, names) AS o;
    RETURN jsonb_strip_nulls(jsonb_build_object('k', 'op', 'o', operator, 'f', v_oid, 'm', v_commutator, 'y', v_result, 'a', v_items,
        'n', asymm._names_of(v_items),
        -- Taken for equal only if nothing is left open.
        'i', v_volatility = 'i' AND NOT EXISTS (SELECT FROM jsonb_array_elements(v_items) AS a (item) WHERE a.item -> 'i' <> 'true'),
        't', concat_ws(' ', lhs ->> 't', CASE WHEN v_schema <> 'pg_catalog' THEN format('OPERATOR(%I.%s)', v_schema, operator) ELSE operator END,
                       rhs ->> 't')));
END
$$;
COMMENT ON FUNCTION asymm._operator_item(jsonb, text, text, jsonb, jsonb)
    IS 'Two expressions with an operator between them, or one with it in front.';

CREATE OR REPLACE FUNCTION asymm._any_item(lhs jsonb, operator text, schema text, quantifier text, list jsonb, names jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_item jsonb;
BEGIN
    -- The operator is between the value and one element.
    v_item := asymm._operator_item(lhs, operator, schema, (list - 'y') || jsonb_build_object('t', format('%s (%s)', quantifier, list ->> 't'), 'y',
                  (SELECT t.typelem FROM pg_type AS t WHERE t.oid = (list ->> 'y')::oid AND t.typelem <> 0)), names);
    RETURN v_item || jsonb_build_object('k', 'any', 'all', quantifier = 'ALL', 'a', jsonb_build_array(lhs, list));
END
$$;
COMMENT ON FUNCTION asymm._any_item(jsonb, text, text, text, jsonb, jsonb) IS 'A value compared with any or all of a list.';

-- Several functions may be meant where a type is open: then it is immutable only if all are.
CREATE OR REPLACE FUNCTION asymm._call_item(schema text, function text, arguments jsonb, names jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_schemas oid[] := asymm._searched_schemas(schema, names);
    v record;
BEGIN
    WITH given AS MATERIALIZED (
        SELECT asymm._taken_as((a.item ->> 'y')::oid) AS types, a.n::integer AS n
          FROM jsonb_array_elements(arguments) WITH ORDINALITY AS a (item, n)),
    found AS (
        SELECT p.prorettype, p.provolatile = 'i' AND p.prokind = 'f' AND asymm._trusts(p.proowner) AS immutable, n.nspname, f.fit
          FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
         CROSS JOIN LATERAL (
               SELECT CASE WHEN count(*) = count(t.fit) THEN COALESCE(sum(t.fit), 0) END AS fit
                 FROM given AS g
                CROSS JOIN LATERAL (
                      SELECT CASE WHEN g.types IS NULL THEN 0 ELSE array_position(g.types, p.proargtypes[g.n - 1]) END AS fit) AS t) AS f
         WHERE p.proname = function AND p.pronargs = jsonb_array_length(arguments) AND p.provariadic = 0
           AND p.pronamespace = ANY (v_schemas) AND f.fit IS NOT NULL),
    best AS (SELECT f.* FROM found AS f WHERE f.fit = (SELECT min(o.fit) FROM found AS o))
    SELECT count(*) AS count, bool_and(b.immutable) AS immutable, min(b.nspname) AS schema,
           count(DISTINCT b.nspname) AS schemas,
           CASE WHEN count(DISTINCT b.prorettype) = 1 THEN min(b.prorettype) END AS result
      INTO v FROM best AS b;
    RETURN jsonb_strip_nulls(jsonb_build_object('k', 'expr', 'n', asymm._names_of(arguments),
        'y', CASE WHEN NOT EXISTS (SELECT FROM pg_type AS t WHERE t.oid = v.result AND t.typtype = 'p') THEN v.result END,
        'i', v.immutable IS TRUE AND v.schemas = 1
             AND NOT EXISTS (SELECT FROM jsonb_array_elements(arguments) AS a (item) WHERE a.item -> 'i' <> 'true'),
        't', format('%s%s(%s)', CASE WHEN v.schema <> 'pg_catalog' THEN quote_ident(v.schema) || '.' END, quote_ident(function),
                    (SELECT string_agg(a.item ->> 't', ', ' ORDER BY a.n) FROM jsonb_array_elements(arguments) WITH ORDINALITY AS a (item, n)))));
END
$$;
COMMENT ON FUNCTION asymm._call_item(text, text, jsonb, jsonb) IS 'A call of a function.';
