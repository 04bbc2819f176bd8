-- Where data of subjects lies: registered table by table, since no catalog says whose a row is.

CREATE OR REPLACE FUNCTION asymm._require_subject_kind(kind text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF asymm._require_text(kind, 'kind') !~ '^[a-z][a-z0-9_]{0,62}$' THEN
        RAISE EXCEPTION 'not a kind of subject: "%"', kind
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A kind is a lower-case name: letters, digits, _.',
                  HINT = 'customer, employee … : numbers of one kind are not those of another.';
    END IF;
    RETURN kind;
END
$$;
COMMENT ON FUNCTION asymm._require_subject_kind(text) IS 'Returns the kind; raises 22004 or 22023 when it is none.';

CREATE OR REPLACE FUNCTION asymm._register_subject(kind text, relid oid, column_name name, columns name[], prefix text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_id bigint;
BEGIN
    IF relid IS NOT NULL THEN
        PERFORM asymm._require_rights((SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = relid), relid::regclass::text);
    END IF;
    INSERT INTO asymm.subject_place AS p (kind, schema_name, table_name, column_name, columns, prefix, registered_by)
    SELECT _register_subject.kind, n.nspname, c.relname, CASE WHEN c.oid IS NOT NULL THEN _register_subject.column_name END,
           _register_subject.columns, _register_subject.prefix, asymm._caller()
      FROM (VALUES (1)) AS one (row) LEFT JOIN (pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace) ON c.oid = _register_subject.relid
    ON CONFLICT ON CONSTRAINT subject_place_once DO UPDATE SET columns = EXCLUDED.columns, registered_by = EXCLUDED.registered_by
    RETURNING p.id INTO v_id;
    PERFORM asymm._audit('register_subject', COALESCE(relid::regclass::text, 'entities ' || prefix), jsonb_build_object('kind', kind));
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION asymm._register_subject(text, oid, name, name[], text) IS 'Notes a place where data of subjects lies.';

CREATE OR REPLACE FUNCTION asymm.register_subject(kind text, target regclass, subject_column name, columns name[] DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_wrong name;
    v_not_null boolean;
BEGIN
    PERFORM asymm._require_subject_kind(kind);
    PERFORM asymm._require_text(subject_column, 'subject_column');
    IF asymm._require_relation(target) <> 'table' THEN
        RAISE EXCEPTION '"%" is no table', target
            USING ERRCODE = 'wrong_object_type', DETAIL = 'Rows are erased where they lie.', HINT = 'Name the table behind it.';
    ELSIF cardinality(columns) = 0 OR array_position(columns, NULL) IS NOT NULL OR subject_column = ANY (columns) THEN
        RAISE EXCEPTION 'not a list of columns: %', columns
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It is empty, has a NULL in it, or names the column that says whose the row is.',
                  HINT = format('SELECT asymm.register_subject(%L, %L, %L); deletes whole rows.', kind, target, subject_column);
    END IF;
    SELECT c.name INTO v_wrong FROM unnest(columns || subject_column) AS c (name)
     WHERE NOT EXISTS (SELECT FROM pg_attribute AS a
                        WHERE a.attrelid = target AND a.attname = c.name AND a.attnum > 0 AND NOT a.attisdropped) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'column "%" of "%" does not exist', v_wrong, target
            USING ERRCODE = 'undefined_column', DETAIL = 'Names are case-sensitive here.',
                  HINT = format('SELECT attname FROM pg_attribute WHERE attrelid = %L::regclass AND attnum > 0; lists them.', target);
    END IF;
    SELECT a.attname, a.attnotnull INTO v_wrong, v_not_null FROM pg_attribute AS a
     WHERE a.attrelid = target AND a.attname = ANY (columns) AND (a.attnotnull OR a.attgenerated <> '') LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'column "%" of "%" cannot be cleared', v_wrong, target
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = CASE WHEN v_not_null THEN 'It may not be NULL.' ELSE 'It is generated: clear what it is generated from.' END,
                  HINT = format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL; or have whole rows deleted: leave columns out.', target, v_wrong);
    END IF;
    RETURN asymm._register_subject(kind, target, subject_column, columns, NULL);
END
$$;
COMMENT ON FUNCTION asymm.register_subject(text, regclass, name, name[])
    IS 'Says that a table holds data of subjects of a kind (customer …), and which column says whose a row is; asymm.forget() deletes such rows, or clears the columns named. Returns the number of the place. Raises 22004, 22023, 42P01, 42809, 42703, 42501.';

CREATE OR REPLACE FUNCTION asymm.register_entities(kind text, prefix text) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN asymm._register_subject(asymm._require_subject_kind(kind), NULL, NULL, NULL, asymm._require_text(prefix, 'prefix'));
END
$$;
COMMENT ON FUNCTION asymm.register_entities(text, text)
    IS 'Says that the entity whose id is prefix and subject ("customer:" and 17), and those whose ids go on with a slash, are the subject''s. Raises 22004, 22023.';

CREATE OR REPLACE FUNCTION asymm.unregister_subject(id bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.subject_place;
BEGIN
    SELECT p.* INTO v FROM asymm.subject_place AS p WHERE p.id = unregister_subject.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM asymm._require_rights(COALESCE((SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                                             WHERE (n.nspname, c.relname) = (v.schema_name, v.table_name)), v.registered_by),
                                  COALESCE(v.prefix, format('%I.%I', v.schema_name, v.table_name)));
    DELETE FROM asymm.subject_place AS p WHERE p.id = v.id;
    PERFORM asymm._audit('unregister_subject', COALESCE('entities ' || v.prefix, format('%I.%I', v.schema_name, v.table_name)),
                         jsonb_build_object('kind', v.kind));
    RETURN true;
END
$$;
COMMENT ON FUNCTION asymm.unregister_subject(bigint) IS 'Takes back what register_subject() or register_entities() said; false when there was nothing. Raises 42501.';

CREATE OR REPLACE VIEW asymm.subject_places AS
    SELECT p.id, p.kind, CASE WHEN p.prefix IS NOT NULL THEN 'entities' ELSE format('%I.%I', p.schema_name, p.table_name) END AS place,
           p.column_name AS subject_column,
           p.columns, p.prefix, p.registered_by, p.registered_at,
           CASE WHEN p.prefix IS NOT NULL THEN true ELSE to_regclass(format('%I.%I', p.schema_name, p.table_name)) IS NOT NULL END AS present
      FROM asymm.subject_place AS p ORDER BY p.kind, 3, p.id;
COMMENT ON VIEW asymm.subject_places IS 'Where data of subjects lies, as registered, and whether the table is there.';

CREATE OR REPLACE VIEW asymm._subject_place_found AS
    SELECT p.id, p.kind, c.oid AS relid, p.column_name, p.columns, format_type(a.atttypid, a.atttypmod) AS type,
           ARRAY(SELECT t.attname FROM pg_attribute AS t JOIN pg_type AS y ON y.oid = t.atttypid
                  WHERE t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped
                    AND (p.columns IS NULL OR t.attname = ANY (p.columns)) AND y.typcategory IN ('S', 'U') ORDER BY t.attnum) AS texts,
           p.prefix, COALESCE('entities ' || p.prefix, format('%I.%I', p.schema_name, p.table_name)) AS display
      FROM asymm.subject_place AS p
      LEFT JOIN pg_namespace AS n ON n.nspname = p.schema_name
      LEFT JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = p.table_name
      LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = p.column_name AND NOT a.attisdropped;
COMMENT ON VIEW asymm._subject_place_found IS 'Registered places as they are in the catalogs now; type is NULL where there is no such column.';

CREATE OR REPLACE FUNCTION asymm._subject_places(kind text) RETURNS SETOF asymm._subject_place_found
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT p.* FROM asymm._subject_place_found AS p WHERE p.kind = $1 ORDER BY p.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no place is registered for subjects of kind "%"', $1
            USING ERRCODE = 'undefined_object', DETAIL = 'Nothing says where their data lies.',
                  HINT = format('SELECT asymm.register_subject(%L, ''schema.table'', ''column'')', $1);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._subject_places(text) IS 'The places of a kind as they are in the catalogs now; raises 42704 when there are none.';

-- What is noted as erased is erased again in a restored copy, whoever calls that: so it takes the rights to erase it.
CREATE OR REPLACE FUNCTION asymm._require_subject_rights(kind text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm._subject_place_found;
BEGIN
    FOR v IN SELECT p.* FROM asymm._subject_places(kind) AS p LOOP
        IF v.prefix IS NOT NULL THEN
            IF NOT pg_has_role(asymm._caller(), 'asymm_writer', 'MEMBER') THEN
                RAISE EXCEPTION 'permission denied for entities'
                    USING ERRCODE = 'insufficient_privilege', DETAIL = format('Role "%s" is not a member of asymm_writer.', asymm._caller()),
                          HINT = format('Ask a superuser for: GRANT asymm_writer TO %I', asymm._caller());
            END IF;
        ELSIF v.relid IS NOT NULL THEN
            PERFORM asymm._require_rights((SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = v.relid), v.display);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._require_subject_rights(text) IS 'Raises 42501 unless the caller may act for the owner of every place of a kind, or 42704 when there is none.';
