-- Watch mode: the organ reads what is new in declared tables, block by block, with its actor's rights, and looks the content up among
-- what was there. No trigger; a changed row is a new one. What is found is compared before it is told.

CREATE OR REPLACE FUNCTION asymm._declare_duplicate_watch(relation oid, columns name[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v record;
    v_id bigint;
BEGIN
    SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner) AS owner INTO v
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = relation;
    PERFORM asymm._require_rights(v.owner, format('%I.%I', v.nspname, v.relname));
    PERFORM asymm._record_place();
    DELETE FROM asymm.row_print AS p USING asymm.duplicate_watch AS w
     WHERE p.watch_id = w.id AND (w.schema_name, w.table_name) = (v.nspname, v.relname);
    DELETE FROM asymm.duplicate_watch AS w WHERE (w.schema_name, w.table_name) = (v.nspname, v.relname);
    INSERT INTO asymm.duplicate_watch (schema_name, table_name, columns, watched_by) VALUES (v.nspname, v.relname, $2, asymm._caller())
    RETURNING id INTO v_id;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION asymm._declare_duplicate_watch(oid, name[]) IS 'Notes a table whose new duplicates are to be noticed, from the beginning.';

CREATE OR REPLACE FUNCTION asymm.watch_duplicates(relation regclass, columns name[] DEFAULT NULL, ignore name[] DEFAULT NULL) RETURNS name[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_columns constant name[] := asymm._duplicate_columns(relation, columns, ignore);
    v_column name;
BEGIN
    IF asymm._require_rows(relation) <> 'table' OR EXISTS (
           SELECT FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attname = ANY (v_columns) AND a.attgenerated <> '') THEN
        RAISE EXCEPTION '% cannot be watched for duplicates', relation
            USING ERRCODE = 'wrong_object_type', DETAIL = 'Only columns of tables are read in the background that hold what was written to them.',
                  HINT = 'Name a table, and no generated columns.';
    END IF;
    SELECT m.key INTO v_column FROM jsonb_each_text(asymm._masked_methods(relation)) AS m WHERE m.value <> 'hash' AND m.key = ANY (v_columns) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'column "%" of % is protected', v_column, relation
            USING ERRCODE = 'SY020', DETAIL = 'Of each row a plain hash is kept, and who guesses the values finds them by it.',
                  HINT = 'Name other columns, or store tokens of the driver and protect the column by method hash.';
    END IF;
    PERFORM asymm._declare_duplicate_watch(relation, v_columns);
    RETURN v_columns;
END
$$;
COMMENT ON FUNCTION asymm.watch_duplicates(regclass, name[], name[])
    IS 'Has new duplicates of a table noticed by the pulse of its owner''s actor, as findings; some 100 bytes are kept for each distinct row. Returns the columns compared, which are chosen as for find_duplicates(). Raises 22004, 22023, 42501, 42703, 42P01, 42809, SY020.';

CREATE OR REPLACE FUNCTION asymm.unwatch_duplicates(target text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
BEGIN
    PERFORM asymm._require_session();
    PERFORM asymm._require_text(target, 'target');
    SELECT w.*, COALESCE((SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                           WHERE (n.nspname, c.relname) = (w.schema_name, w.table_name)), w.watched_by) AS owner INTO v
      FROM asymm.duplicate_watch AS w WHERE target IN (format('%I.%I', w.schema_name, w.table_name), concat(w.schema_name, '.', w.table_name));
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM asymm._require_rights(v.owner, target);
    DELETE FROM asymm.row_print AS p WHERE p.watch_id = v.id;
    DELETE FROM asymm.duplicate_watch AS w WHERE w.id = v.id;
    PERFORM asymm._close_findings('state', '{}', format('duplicates %s.%s ', v.schema_name, v.table_name));
    RETURN true;
END
$$;
COMMENT ON FUNCTION asymm.unwatch_duplicates(text) IS 'Ends what watch_duplicates() began for schema.table; false when it was not watched. Raises 22004, 22023, 42501.';

CREATE OR REPLACE VIEW asymm.watched_duplicates AS
    SELECT format('%I.%I', w.schema_name, w.table_name) AS object, w.columns,
           (SELECT count(*) FROM asymm.duplicate_seen AS s WHERE s.watch_id = w.id) AS duplicates,
           (SELECT min(k.passes) FROM asymm.duplicate_look AS k WHERE k.watch_id = w.id) AS passes,
           (SELECT max(s.seen_at) FROM asymm.duplicate_seen AS s WHERE s.watch_id = w.id) AS last_seen_at, w.watched_by, w.watched_at
      FROM asymm.duplicate_watch AS w;
COMMENT ON VIEW asymm.watched_duplicates IS 'Tables whose new duplicates are noticed: how many there are (1,000 at most), how often all was looked at (0: the first time isn''t over).';
