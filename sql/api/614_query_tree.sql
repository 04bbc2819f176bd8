-- What a query reads and calls, out of the tree the server's parser makes of it: nothing of its text is run.

-- One statement or several, as the server's own parser says: a loop over PREPARE is always refused, and otherwise than one of several.
CREATE OR REPLACE FUNCTION asymm._is_one_statement(command text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_one text;
    v_seen text;
BEGIN
    -- No second one without a semicolon.
    IF strpos(rtrim(command, E'; \n\r\t'), ';') = 0 THEN
        RETURN true;
    END IF;
    BEGIN
        FOR v_seen IN EXECUTE format('PREPARE asymm_reads AS SELECT %s', length(command)) LOOP
        END LOOP;
    EXCEPTION WHEN invalid_cursor_definition THEN
        v_one := SQLERRM;
    END;
    BEGIN
        FOR v_seen IN EXECUTE command LOOP
        END LOOP;
    EXCEPTION WHEN invalid_cursor_definition THEN
        v_seen := SQLERRM;
    END;
    RETURN COALESCE(v_seen = v_one, false);
END
$$;
COMMENT ON FUNCTION asymm._is_one_statement(text) IS 'True when a text that begins with PREPARE is one statement; runs nothing of it.';

-- Views cannot have parameters, temporary tables are five catalogs: the body of a function is the least that shows a tree, and the part of
-- a transaction that made it is rolled back. What stays are its dead rows in pg_proc, pg_depend and pg_namespace for vacuum.
CREATE OR REPLACE FUNCTION asymm._query_tree(query text, path text, given_types oid[], OUT tree text, OUT types oid[], OUT fault text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET check_function_bodies = off
AS $$
DECLARE
    v_list constant text := (SELECT '(' || string_agg(COALESCE(NULLIF(t.type, 0)::regtype, 'unknown')::text, ', ' ORDER BY t.n) || ')'
                               FROM unnest(given_types) WITH ORDINALITY AS t (type, n));
    v_command text := format(E'PREPARE asymm_reads %s AS\n%s\n', v_list, query);
    v_types regtype[];
    v_state text;
BEGIN
    IF EXISTS (SELECT FROM pg_prepared_statements AS p WHERE p.name = 'asymm_reads') THEN
        DEALLOCATE asymm_reads;
    END IF;
    BEGIN
        IF NOT asymm._is_one_statement(v_command) THEN
            RAISE EXCEPTION USING ERRCODE = 'SY011', MESSAGE = 'it is more than one statement';
        END IF;
        -- While the path is the caller's, nothing but these texts is looked up in it.
        PERFORM pg_catalog.set_config('search_path', path, true);
        EXECUTE v_command;
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
        SELECT p.parameter_types INTO v_types FROM pg_prepared_statements AS p WHERE p.name = 'asymm_reads';
        types := v_types::oid[];
        v_command := format(E'CREATE FUNCTION pg_temp.asymm_reads(%s) RETURNS void LANGUAGE sql BEGIN ATOMIC\n%s\n; END',
                            array_to_string(v_types, ', '), query);
        PERFORM pg_catalog.set_config('search_path', path, true);
        EXECUTE v_command;
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
        SELECT p.prosqlbody::text INTO tree
          FROM pg_proc AS p WHERE p.pronamespace = pg_my_temp_schema() AND p.proname = 'asymm_reads';
        RAISE EXCEPTION USING ERRCODE = 'SY011', MESSAGE = '';
    EXCEPTION WHEN SQLSTATE 'SY011' THEN
        fault := NULLIF(SQLERRM, '');
    WHEN OTHERS THEN
        -- What the text is refused for it will be refused for again; of anything else nothing follows.
        v_state := SQLSTATE;
        IF left(v_state, 2) NOT IN ('0A', '22', '2F', '3F', '42') THEN
            RAISE;
        END IF;
        fault := format('it was not parsed: %s (%s)', SQLERRM, v_state);
    END;
    -- A prepared statement outlives what is rolled back.
    IF EXISTS (SELECT FROM pg_prepared_statements AS p WHERE p.name = 'asymm_reads') THEN
        DEALLOCATE asymm_reads;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._query_tree(text, text, oid[])
    IS 'The parse tree of one statement by a search path and the types of its parameters, or why there is none; runs nothing of it, leaves nothing.';

-- In a tree, names have their blanks escaped: a label with a number behind it is never one of them.
CREATE OR REPLACE FUNCTION asymm._tree_parts(tree text, OUT relations oid[], OUT functions oid[], OUT operators oid[], OUT coerced oid[])
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT array_agg(DISTINCT p.id) FILTER (WHERE p.label = ':relid '),
           array_agg(DISTINCT p.id) FILTER (WHERE p.label LIKE '%f%id '),
           array_agg(DISTINCT p.id) FILTER (WHERE p.label LIKE '%op '),
           array_agg(DISTINCT p.id) FILTER (WHERE p.label = ':resulttype ')
      INTO relations, functions, operators, coerced
      FROM (SELECT l.label, CASE WHEN split_part(left(s.piece, 12), ' ', 1) ~ '^[1-9]\d*$' THEN split_part(left(s.piece, 12), ' ', 1)::oid END AS id
              FROM unnest('{":relid ",":funcid ",":opfuncid ",":aggfnoid ",":winfnoid ",":eqop ",":sortop ",":resulttype "}'::text[]) AS l (label)
             CROSS JOIN LATERAL string_to_table(tree, l.label) WITH ORDINALITY AS s (piece, place)
             WHERE s.place > 1) AS p
     WHERE p.id IS NOT NULL;
    -- Rows that are compared: one operator for each column.
    IF strpos(tree, ':opnos (o ') > 0 THEN
        operators := operators || ARRAY(SELECT DISTINCT o.id::oid FROM regexp_matches(tree, ':opnos \(o ([\d ]+)\)', 'g') AS m
                                         CROSS JOIN LATERAL string_to_table(m[1], ' ') AS o (id));
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._tree_parts(text) IS 'Relations, functions, operators and types of results that a parse tree names by number.';

CREATE OR REPLACE FUNCTION asymm._tree_fault(tree text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE
        WHEN strpos(tree, ':commandType 1 ') = 0 OR strpos(tree, ':isReturn true ') > 0 THEN 'it is not a SELECT'
        WHEN strpos(tree, ':hasModifyingCTE true ') > 0 THEN 'it changes rows'
        WHEN strpos(tree, ':hasForUpdate true ') > 0 OR strpos(tree, ':rowMarks (') > 0 THEN 'it locks rows'
        WHEN strpos(tree, ':tablesample {') > 0 THEN 'it takes a sample'
        WHEN strpos(tree, '{SQLVALUEFUNCTION ') > 0 THEN 'it asks for the time, the user or the schema (CURRENT_DATE, CURRENT_USER …)'
        WHEN strpos(tree, ':varattno -') > 0 THEN 'it reads a system column (ctid, xmin …)'
        WHEN strpos(tree, '{NEXTVALUEEXPR ') > 0 THEN 'it takes a number from a sequence'
        WHEN strpos(tree, '{CURRENTOFEXPR ') > 0 THEN 'it depends on a cursor'
        WHEN strpos(tree, '{XMLEXPR ') > 0 OR tree ~ 'type (142|143) ' THEN 'it makes XML, which further settings decide about'
        -- JSON_VALUE(… RETURNING date) reads texts.
        WHEN strpos(tree, '{JSONEXPR ') > 0 AND tree ~ ':typid (1082|1083|1114|1184|1266|1182|1183|1115|1185|1270) '
            THEN 'it reads dates or times out of JSON, where ''now'' means another one each time'
        WHEN tree ~ 'type (24|2202|2203|2204|2205|2206|4089|4096|4191|1008|2207|2208|2209|2210|2211|4090|4097|4192) '
            THEN 'it names objects of the catalog (regclass, regtype …)'
    END;
END
$$;
COMMENT ON FUNCTION asymm._tree_fault(text) IS 'Why the result of a parsed query cannot be kept, as far as its tree alone tells; NULL: nothing is in the way.';

-- 'now', 'today', 'tomorrow' and 'yesterday' are read as another date each day, wherever a text becomes a date or a time.
CREATE OR REPLACE FUNCTION asymm._holds_times(types oid[]) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- The usual ones without a look into the catalog.
    IF types <@ '{16,17,18,19,20,21,23,25,26,114,650,700,701,705,869,1042,1043,1186,1700,2950,3802,3904,3906,3926,1005,1007,1009,1015,1016}' THEN
        RETURN false;
    END IF;
    RETURN types && '{1082,1083,1114,1184,1266}' OR EXISTS (
        WITH RECURSIVE part AS (
            SELECT u.id FROM unnest(types) AS u (id)
            UNION
            SELECT n.id
              FROM part AS p JOIN pg_type AS t ON t.oid = p.id
             CROSS JOIN LATERAL (
                   SELECT t.typelem WHERE t.typelem <> 0 AND t.typcategory = 'A'
                   UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0
                   UNION ALL SELECT r.rngsubtype FROM pg_range AS r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
                   UNION ALL SELECT a.atttypid FROM pg_attribute AS a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
             ) AS n (id))
        SELECT FROM part AS p WHERE p.id IN (1082, 1083, 1114, 1184, 1266));
END
$$;
COMMENT ON FUNCTION asymm._holds_times(oid[]) IS 'True when one of some types is a date or a time, or has one in it.';

CREATE OR REPLACE FUNCTION asymm._clock_fault(query text, tree text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- What quotes hold is told apart from the rest only roughly, and what is escaped not at all: then times may not be written at all.
    v_word constant boolean := query ~* '''([^'']*[^a-z''])?(now|today|tomorrow|yesterday)([^a-z''][^'']*)?''|\$(now|today|tomorrow|yesterday)'
        OR query ~ '\\|''\s*\n\s*''|\$([A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$' OR query ~* '\muescape\M';
BEGIN
    IF v_word AND asymm._holds_times(ARRAY(SELECT DISTINCT m[1]::oid FROM regexp_matches(tree, ':consttype (\d+) ', 'g') AS m)) THEN
        RETURN 'a date or time in it may be written as ''now'', ''today'', ''tomorrow'' or ''yesterday''';
    -- Of the coercions only those through text have a collation next to their type.
    ELSIF strpos(tree, '{COERCEVIAIO ') > 0
          AND asymm._holds_times(ARRAY(SELECT DISTINCT m[1]::oid FROM regexp_matches(tree, ':resulttype (\d+) :resultcollid ', 'g') AS m)) THEN
        RETURN 'it reads texts as dates or times, where ''now'' means another one each time';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._clock_fault(text, text) IS 'Why a query could read another date out of the same text each day; NULL: it cannot.';
