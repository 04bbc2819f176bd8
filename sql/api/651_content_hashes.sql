-- Content hashes of a whole table: one expression for its columns, made anew for each query, so that it is never out of date.

CREATE OR REPLACE FUNCTION asymm._hash_columns(relation oid, columns name[], ignore name[]) RETURNS name[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_columns name[] := columns;
    v_missing text;
BEGIN
    SELECT string_agg(quote_ident(c.name), ', ') INTO v_missing
      FROM (SELECT unnest(columns) AS name UNION SELECT unnest(ignore)) AS c
     WHERE NOT EXISTS (SELECT FROM pg_attribute AS a
                        WHERE a.attrelid = relation AND a.attname = c.name AND a.attnum > 0 AND NOT a.attisdropped);
    IF array_position(columns || ignore, NULL) IS NOT NULL OR columns = '{}' THEN
        RAISE EXCEPTION 'not a list of columns: %', COALESCE(columns, ignore)
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It is empty or has a NULL in it.',
                  HINT = 'Leave it out to compare all columns but made-up keys.';
    ELSIF v_missing IS NOT NULL THEN
        RAISE EXCEPTION 'column % of % does not exist', v_missing, relation::regclass
            USING ERRCODE = 'undefined_column', DETAIL = 'Names are taken as they are, capitals and all.',
                  HINT = format('SELECT attname FROM pg_attribute WHERE attrelid = %L::regclass AND attnum > 0;', relation::regclass);
    END IF;
    IF v_columns IS NULL THEN
        v_columns := asymm._content_columns(relation);
        -- A key that says something tells all rows apart, unless it is to be left out.
        IF v_columns = '{}' AND cardinality(ignore) > 0 THEN
            v_columns := ARRAY(SELECT a.attname FROM pg_attribute AS a
                                WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum);
        END IF;
    END IF;
    RETURN ARRAY(SELECT c.name FROM unnest(v_columns) WITH ORDINALITY AS c (name, place)
                  WHERE c.name <> ALL (COALESCE(ignore, '{}')) ORDER BY c.place);
END
$$;
COMMENT ON FUNCTION asymm._hash_columns(oid, name[], name[]) IS 'The columns that are to be compared: those named, or all but a made-up key and generated ones; raises 42703.';

CREATE OR REPLACE FUNCTION asymm._hash_of_columns(relation oid, columns name[], alias text, nfc boolean) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN asymm._hash_of(format('''\x72''::pg_catalog.bytea OPERATOR(pg_catalog.||) %s', asymm._hash_fields(ARRAY(
        SELECT asymm._hash_field(a.atttypid, format('%s.%I', alias, a.attname), nfc)
          FROM unnest(columns) WITH ORDINALITY AS c (name, place)
          JOIN pg_attribute AS a ON a.attrelid = relation AND a.attname = c.name AND a.attnum > 0
         ORDER BY c.place))));
END
$$;
COMMENT ON FUNCTION asymm._hash_of_columns(oid, name[], text, boolean) IS 'The expression of the content hash of a row of these columns, for FROM … AS alias (quoted already).';

CREATE OR REPLACE FUNCTION asymm._require_rows(relation regclass) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_kind constant text := asymm._require_relation(relation);
BEGIN
    IF v_kind NOT IN ('table', 'materialized view', 'view', 'foreign table') THEN
        RAISE EXCEPTION '% has no rows to compare', relation
            USING ERRCODE = 'wrong_object_type', DETAIL = format('It is a %s.', v_kind), HINT = 'Name a table or a view.';
    END IF;
    RETURN v_kind;
END
$$;
COMMENT ON FUNCTION asymm._require_rows(regclass) IS 'The kind of a relation that has rows; raises 22004, 42P01, 42809.';

CREATE OR REPLACE FUNCTION asymm.content_hash_expression(
    relation regclass, columns name[] DEFAULT NULL, ignore name[] DEFAULT NULL, alias name DEFAULT 't', nfc boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_columns name[];
BEGIN
    PERFORM asymm._require_rows(relation);
    PERFORM asymm._require_text(alias, 'alias');
    PERFORM asymm._require_text(nfc::text, 'nfc');
    v_columns := asymm._hash_columns(relation, columns, ignore);
    RETURN asymm._hash_of_columns(relation, v_columns, quote_ident(alias), nfc);
END
$$;
COMMENT ON FUNCTION asymm.content_hash_expression(regclass, name[], name[], name, boolean)
    IS 'The expression of content_hash(ROW(columns)) for rows of a relation, of built-in functions: for views and queries over many rows; to be made anew when columns come or change. Columns: as for find_duplicates(). Raises 22004, 22023, 42703, 42P01, 42809.';

CREATE OR REPLACE FUNCTION asymm.content_hashes(
    relation regclass, columns name[] DEFAULT NULL, ignore name[] DEFAULT NULL, nfc boolean DEFAULT false)
RETURNS TABLE (part regclass, place tid, hash bytea)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT t.tableoid::pg_catalog.regclass, t.ctid, %s FROM %s AS t',
                                asymm.content_hash_expression(relation, columns, ignore, 't', nfc), relation);
END
$$;
COMMENT ON FUNCTION asymm.content_hashes(regclass, name[], name[], boolean)
    IS 'content_hash(ROW(columns)) of every row of a table, with the place of the row (part: its partition). Columns: as for find_duplicates(). Raises 22004, 22023, 42703, 42P01, 42809.';
