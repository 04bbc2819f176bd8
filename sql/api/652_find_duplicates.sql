-- Rows that are there more than once: groups of equal content, with the rights of who asks. One pass, grouped by hash: what does
-- not fit work_mem goes to disk, whatever the size of the table.

-- By names only, since what is text here is only shown. A table without a primary key is told by place.
CREATE OR REPLACE FUNCTION asymm._key_expression(relation oid, alias text) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN COALESCE(
        (SELECT format('pg_catalog.jsonb_build_object(%s)', string_agg(format('%L, %s.%I', a.attname, alias, a.attname), ', ' ORDER BY k.place))
           FROM pg_index AS i
          CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
           JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
          WHERE i.indrelid = relation AND i.indisprimary AND k.place <= i.indnkeyatts HAVING count(*) > 0),
        (SELECT format('pg_catalog.jsonb_build_object(''part'', %1$s.tableoid::pg_catalog.regclass::pg_catalog.text, ''place'', '
                       'pg_catalog.concat(%1$s.ctid))', alias)
           FROM pg_class AS c WHERE c.oid = relation AND c.relkind IN ('r', 'p', 'm')),
        'NULL::pg_catalog.jsonb');
END
$$;
COMMENT ON FUNCTION asymm._key_expression(oid, text) IS 'The expression that shows by which key, or at which place, a row of a relation is found.';

CREATE OR REPLACE FUNCTION asymm._duplicate_columns(relation regclass, columns name[], ignore name[]) RETURNS name[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_columns name[];
BEGIN
    PERFORM asymm._require_rows(relation);
    v_columns := asymm._hash_columns(relation, columns, ignore);
    IF v_columns = '{}' THEN
        RAISE EXCEPTION 'no column of % is left to compare', relation
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'Its primary key is not made up by the database, so it is part of what a row says, and tells all rows apart.',
                  HINT = format('Say which columns: SELECT * FROM asymm.find_duplicates(%L, columns => ''{…}''), or which not: ignore => ''{…}''.',
                                relation);
    END IF;
    RETURN v_columns;
END
$$;
COMMENT ON FUNCTION asymm._duplicate_columns(regclass, name[], name[])
    IS 'The columns by which rows of a relation are compared; raises 22004, 22023, 42703, 42P01, 42809.';

CREATE OR REPLACE FUNCTION asymm.find_duplicates(
    relation regclass, columns name[] DEFAULT NULL, ignore name[] DEFAULT NULL, nfc boolean DEFAULT false, most integer DEFAULT 100)
RETURNS TABLE (hash bytea, rows bigint, sample_keys jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_columns constant name[] := asymm._duplicate_columns(relation, columns, ignore);
BEGIN
    PERFORM asymm._require_text(nfc::text, 'nfc');
    PERFORM asymm._require_text(most::text, 'most');
    -- Two keys of each group, however many there are: what is kept of a group does not grow with it.
    RETURN QUERY EXECUTE format(
        'SELECT g.hash, g.n, CASE WHEN g.first IS NOT NULL THEN pg_catalog.jsonb_build_array(g.first::pg_catalog.jsonb, g.last::pg_catalog.jsonb) END
           FROM (SELECT h.hash, pg_catalog.count(*) AS n, pg_catalog.min(h.key) AS first, pg_catalog.max(h.key) AS last
                   FROM (SELECT %s AS hash, %s::pg_catalog.text COLLATE "C" AS key FROM %s AS t) AS h
                  GROUP BY h.hash HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1) AS g
          ORDER BY g.n DESC, g.hash LIMIT %s',
        asymm._hash_of_columns(relation, v_columns, 't', nfc), asymm._key_expression(relation, 't'), relation, GREATEST(most, 0));
END
$$;
COMMENT ON FUNCTION asymm.find_duplicates(regclass, name[], name[], boolean, integer)
    IS 'Groups of rows with equal content, the largest first: how many, and two of their keys. Compared are the columns named, or all but generated ones and a key that the database makes up, less those to ignore; text by its bytes (nfc: by its composed form). Raises 22004, 22023, 42501, 42703, 42P01, 42809.';

CREATE OR REPLACE FUNCTION asymm._count_duplicates(
    relation regclass, columns name[], OUT rows bigint, OUT distinct_rows bigint, OUT groups bigint, OUT largest bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('SELECT COALESCE(pg_catalog.sum(g.n), 0)::pg_catalog.int8, pg_catalog.count(*),
                           pg_catalog.count(*) FILTER (WHERE g.n OPERATOR(pg_catalog.>) 1), COALESCE(pg_catalog.max(g.n), 0)
                      FROM (SELECT pg_catalog.count(*) AS n FROM %s AS t GROUP BY %s) AS g',
                   relation, asymm._hash_of_columns(relation, columns, 't', false)) INTO rows, distinct_rows, groups, largest;
END
$$;
COMMENT ON FUNCTION asymm._count_duplicates(regclass, name[])
    IS 'Rows, distinct rows, groups of more than one and the size of the largest, by content of these columns.';

CREATE OR REPLACE FUNCTION asymm.duplicate_report(schema_name name DEFAULT NULL, most_rows bigint DEFAULT 1000000)
RETURNS TABLE (object text, columns name[], rows bigint, distinct_rows bigint, duplicates bigint, groups bigint, largest bigint,
               explosion double precision, note text)
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v record;
    v_count record;
    v_columns name[];
    v_note text;
BEGIN
    PERFORM asymm._require_text(most_rows::text, 'most_rows');
    FOR v IN
        SELECT c.oid::regclass AS relation, format('%I.%I', n.nspname, c.relname) AS display,
               (SELECT sum(GREATEST(p.reltuples, 0))::bigint FROM pg_class AS p
                 WHERE p.oid = c.oid OR p.oid IN (SELECT t.relid FROM pg_partition_tree(c.oid) AS t)) AS rows,
               has_table_privilege(c.oid, 'SELECT') AS readable, row_security_active(c.oid) AS hidden
          FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
           AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'asymm')
           AND ($1 IS NULL OR n.nspname = $1)
           AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
         ORDER BY n.nspname, c.relname
    LOOP
        v_columns := asymm._content_columns(v.relation);
        v_note := CASE WHEN NOT v.readable THEN 'you may not read it'
                       WHEN v_columns = '{}' THEN 'its key is part of what a row says: name columns in find_duplicates()'
                       WHEN v.rows > $2 THEN format('about %s rows: raise most_rows to have it counted', v.rows)
                       WHEN v.hidden THEN 'only rows that policies let you see' END;
        IF NOT v.readable OR v_columns = '{}' OR v.rows > $2 THEN
            RETURN QUERY SELECT v.display, v_columns, v.rows, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::float8, v_note;
            CONTINUE;
        END IF;
        BEGIN
            v_count := asymm._count_duplicates(v.relation, v_columns);
            RETURN QUERY SELECT v.display, v_columns, v_count.rows, v_count.distinct_rows, v_count.rows - v_count.distinct_rows, v_count.groups,
                                v_count.largest, v_count.rows / NULLIF(v_count.distinct_rows, 0)::float8, v_note;
        EXCEPTION WHEN lock_not_available OR undefined_table OR undefined_column OR insufficient_privilege OR program_limit_exceeded THEN
            RETURN QUERY SELECT v.display, v_columns, v.rows, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::float8,
                                format('could not be read: %s', SQLERRM);
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm.duplicate_report(name, bigint)
    IS 'Duplicates of all tables that the caller may read (of one schema): rows, distinct rows, their ratio (explosion). Tables of more than most_rows rows are named, not counted. Raises 22004.';
