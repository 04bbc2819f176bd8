-- mirror() and unmirror(): which tables are kept in Redis. Publication and grants are made with the caller's own rights.

CREATE OR REPLACE FUNCTION asymm._require_mirrorable(relid oid, key_columns name[], columns name[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_display constant text := relid::regclass::text;
    v_fault text;
    v_remedy text;
    v_owner name := (SELECT pg_get_userbyid(p.pubowner) FROM pg_publication p WHERE p.pubname = 'asymm_mirror');
BEGIN
    SELECT f.fault, f.remedy INTO v_fault, v_remedy FROM asymm._mirror_kind_fault(relid) AS f;
    IF v_fault IS NOT NULL THEN
        RAISE EXCEPTION '"%" cannot be mirrored', v_display USING ERRCODE = 'wrong_object_type', DETAIL = initcap(left(v_fault, 1))
                        || substr(v_fault, 2) || '.', HINT = v_remedy;
    END IF;
    PERFORM asymm._require_rights((SELECT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid = relid), v_display);
    SELECT f.fault, f.remedy INTO v_fault, v_remedy FROM asymm._mirror_fault(relid, key_columns, columns) AS f;
    IF v_fault IS NOT NULL THEN
        RAISE EXCEPTION '"%" cannot be mirrored', v_display USING ERRCODE = 'SY013', DETAIL = initcap(left(v_fault, 1))
                        || substr(v_fault, 2) || '.', HINT = v_remedy;
    ELSIF asymm._setting_of('wal_level') <> 'logical' THEN
        RAISE EXCEPTION 'this server writes no logical WAL'
            USING ERRCODE = 'SY013', DETAIL = format('wal_level is %s.', asymm._setting_of('wal_level')),
                  HINT = 'ALTER SYSTEM SET wal_level = logical; then restart the server.';
    ELSIF v_owner IS NULL OR NOT EXISTS (SELECT FROM pg_publication p
                                          WHERE p.pubname = 'asymm_mirror' AND p.pubviaroot AND NOT p.puballtables) THEN
        RAISE EXCEPTION 'publication "asymm_mirror" is not there'
            USING ERRCODE = 'undefined_object', DETAIL = 'The mirror streams what this publication carries: through the root of partitions, '
                                                         'tables named one by one.',
                  HINT = 'As superuser: SELECT * FROM asymm.create_mirror_login(); it makes the worker''s login and the publication.';
    ELSIF NOT pg_has_role(current_user, v_owner, 'USAGE') THEN
        RAISE EXCEPTION 'permission denied for publication "asymm_mirror"'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('Role "%s" does not have the rights of "%s", its owner.', current_user, v_owner),
                  HINT = format('Ask a superuser for: GRANT %I TO %I', v_owner, current_user);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_mirrorable(oid, name[], name[]) IS 'Raises 42809, SY013, 42501 or 42704 with the remedy unless the caller can have the table mirrored.';

-- A list of none stands for all columns, whatever they will be.
CREATE OR REPLACE FUNCTION asymm._published_columns(relid oid) RETURNS name[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT ARRAY(SELECT a.attname FROM unnest(r.prattrs::smallint[]) AS k (attnum)
                           JOIN pg_attribute a ON a.attrelid = r.prrelid AND a.attnum = k.attnum ORDER BY a.attnum)
              FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
             WHERE p.pubname = 'asymm_mirror' AND r.prrelid = relid);
END
$$;
COMMENT ON FUNCTION asymm._published_columns(oid) IS 'The columns of a table that publication asymm_mirror names; none: all; NULL: it is not in it.';

-- DDL of ours is intended: it becomes part of a watched table's baseline.
CREATE OR REPLACE FUNCTION asymm._mirror_statements(statements text[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_intent text := current_setting('asymm.intent', true);
    v_statement text;
BEGIN
    PERFORM set_config('asymm.intent', 'mirror', true);
    FOR v_statement IN SELECT unnest(statements) LOOP
        EXECUTE v_statement;
    END LOOP;
    PERFORM set_config('asymm.intent', COALESCE(v_intent, ''), true);
END
$$;
COMMENT ON FUNCTION asymm._mirror_statements(text[]) IS 'Runs statements with the caller''s rights and the intent of mirroring.';

CREATE OR REPLACE FUNCTION asymm._mirror_declare(relid oid, key_columns name[], columns name[], format text, ttl interval) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_id bigint;
    v_changed bigint;
BEGIN
    PERFORM asymm._require_rights((SELECT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid = relid), relid::regclass::text);
    PERFORM asymm._record_place();
    WITH changed AS (
        INSERT INTO asymm.mirror_table AS m (schema_name, table_name, key_columns, columns, format, ttl, mirrored_by)
        SELECT n.nspname, c.relname, _mirror_declare.key_columns, _mirror_declare.columns, _mirror_declare.format, _mirror_declare.ttl,
               asymm._caller()
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = _mirror_declare.relid
        ON CONFLICT ON CONSTRAINT mirror_table_name DO UPDATE
           SET key_columns = excluded.key_columns, columns = excluded.columns, format = excluded.format, ttl = excluded.ttl,
               mirrored_by = excluded.mirrored_by, mirrored_at = excluded.mirrored_at
         WHERE (m.key_columns, m.columns, m.format, m.ttl)
               IS DISTINCT FROM (excluded.key_columns, excluded.columns, excluded.format, excluded.ttl)
        RETURNING m.id)
    SELECT c.id INTO v_changed FROM changed AS c;
    PERFORM asymm._audit('mirror', relid::regclass::text, jsonb_build_object('columns', columns));
    SELECT m.id INTO v_id
      FROM asymm.mirror_table AS m JOIN pg_namespace n ON n.nspname = m.schema_name JOIN pg_class c ON c.relnamespace = n.oid
     WHERE c.oid = relid AND c.relname = m.table_name;
    IF v_changed IS NOT NULL OR NOT EXISTS (SELECT FROM asymm._mirror_in_force AS f
                                             WHERE f.id = v_id AND f.relid = _mirror_declare.relid AND f.fault IS NULL) THEN
        PERFORM asymm._mirror_new_epoch(v_id, relid, 'mirror');
    END IF;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION asymm._mirror_declare(oid, name[], name[], text, interval) IS 'Notes a table to be mirrored; what differs from before begins a new epoch.';

CREATE OR REPLACE FUNCTION asymm.mirror(
    target regclass, key_columns name[] DEFAULT NULL, columns name[] DEFAULT NULL, format text DEFAULT 'json', ttl interval DEFAULT NULL)
RETURNS SETOF asymm._mirror_status
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_table constant text := target::text;
    v_schema name;
    v_key name[];
    v_columns name[] := $3;
    v_list text;
    v_published name[];
    v_wanted name[];
    v_statements text[];
BEGIN
    IF target IS NULL THEN
        PERFORM asymm._require_text(NULL, 'target');
    ELSIF $4 IS NULL OR $4 NOT IN ('json', 'hash') THEN
        RAISE EXCEPTION 'format "%" does not exist', $4
            USING ERRCODE = CASE WHEN $4 IS NULL THEN 'null_value_not_allowed' ELSE 'invalid_parameter_value' END,
                  DETAIL = 'Formats are json (one string of JSON a row) and hash (a Redis hash of texts a row).',
                  HINT = pg_catalog.format('SELECT * FROM asymm.mirror(%L, format => ''json'')', v_table);
    ELSIF NOT $5 BETWEEN '1 s' AND '3650 days' THEN
        RAISE EXCEPTION 'ttl % is out of range', $5
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A time to live lies between 1 second and 3650 days; NULL: for ever.',
                  HINT = pg_catalog.format('SELECT * FROM asymm.mirror(%L, ttl => ''1 day'')', v_table);
    ELSIF array_position($2, NULL) IS NOT NULL OR array_position($3, NULL) IS NOT NULL OR cardinality($3) = 0
          OR cardinality($2) <> (SELECT count(DISTINCT c) FROM unnest($2) AS c) THEN
        RAISE EXCEPTION 'not a list of columns: %', COALESCE($3, $2)
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It is empty, has a NULL in it, or names a key column twice.',
                  HINT = pg_catalog.format('SELECT * FROM asymm.mirror(%L) mirrors all columns by the primary key.', v_table);
    END IF;
    SELECT n.nspname INTO v_schema FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = target;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'relation with OID % does not exist', target::oid
            USING ERRCODE = 'undefined_table', DETAIL = 'It was dropped, or the number never named a relation.',
                  HINT = 'Name it: ''schema.table''::regclass.';
    END IF;
    v_key := COALESCE(NULLIF($2, '{}'), asymm._index_columns((SELECT x.indexrelid FROM pg_index x WHERE x.indrelid = target AND x.indisprimary)));
    IF v_columns IS NULL AND asymm._protected_columns(target) <> '{}' THEN
        v_columns := ARRAY(SELECT c FROM unnest(asymm._mirror_columns(target, NULL)) AS c WHERE c <> ALL (asymm._protected_columns(target)));
    END IF;
    PERFORM asymm._require_mirrorable(target, v_key, v_columns);
    v_wanted := CASE WHEN v_columns IS NOT NULL THEN asymm._mirror_columns(target, v_columns) END;
    v_list := COALESCE(' (' || (SELECT string_agg(quote_ident(c), ', ') FROM unnest(v_wanted) AS c) || ')', '');
    IF NOT has_schema_privilege('asymm_streamer', v_schema, 'USAGE') THEN
        PERFORM asymm._require_rights(pg_get_userbyid(n.nspowner), v_schema) FROM pg_namespace n WHERE n.nspname = v_schema;
        v_statements := ARRAY[pg_catalog.format('GRANT USAGE ON SCHEMA %I TO asymm_streamer', v_schema)];
    END IF;
    -- The publication first: it locks the table. A vacuum that has that lock waits for whoever changed the rights.
    v_published := asymm._published_columns(target);
    IF v_published <> COALESCE(v_wanted, '{}') THEN
        v_statements := v_statements || pg_catalog.format('ALTER PUBLICATION asymm_mirror DROP TABLE ONLY %s', v_table);
        v_published := NULL;
    END IF;
    IF v_published IS NULL THEN
        v_statements := v_statements || pg_catalog.format('ALTER PUBLICATION asymm_mirror ADD TABLE ONLY %s%s', v_table, v_list);
    END IF;
    PERFORM asymm._mirror_statements(v_statements || ARRAY[
        pg_catalog.format('REVOKE SELECT ON TABLE %s FROM asymm_streamer', v_table),
        pg_catalog.format('GRANT SELECT%s ON TABLE %s TO asymm_streamer', v_list, v_table)]);
    PERFORM asymm._mirror_declare(target, v_key, v_wanted, $4, $5);
    RETURN QUERY SELECT s.* FROM asymm.mirror_status() AS s
                  WHERE s.object = target::text;
END
$$;
COMMENT ON FUNCTION asymm.mirror(regclass, name[], name[], text, interval)
    IS 'Declares a table to be kept in Redis by the mirror''s worker (asymmetrica mirror run): by its primary key, all columns that are not protected, as JSON, unless said otherwise; a second call changes that. Returns its row of mirror_status(). Raises 22004, 22023, 42P01, 42809, 42501, 42704, SY013.';

CREATE OR REPLACE FUNCTION asymm._mirror_named(target text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_name record;
    v_ids bigint[];
BEGIN
    PERFORM asymm._require_text(target, 'target');
    v_name := asymm._read_name(target);
    v_ids := ARRAY(SELECT m.id FROM asymm.mirror_table AS m
                    WHERE m.table_name = v_name.name AND (v_name.schema_name IS NULL OR m.schema_name = v_name.schema_name));
    IF cardinality(v_ids) > 1 THEN
        RAISE EXCEPTION 'name "%" is ambiguous', target
            USING ERRCODE = 'ambiguous_function', DETAIL = format('%s mirrored tables have that name.', cardinality(v_ids)),
                  HINT = 'Say which: ''schema.table''.';
    ELSIF cardinality(v_ids) = 0 THEN
        RAISE EXCEPTION '"%" is not mirrored', target
            USING ERRCODE = 'undefined_object', DETAIL = 'No table of that name was declared by asymm.mirror().',
                  HINT = 'SELECT object FROM asymm.mirror_status(); lists what is mirrored.';
    END IF;
    RETURN v_ids[1];
END
$$;
COMMENT ON FUNCTION asymm._mirror_named(text) IS 'Finds a mirrored table, which may be gone, by name; raises 22004, 22023, 42704 or 42725.';

CREATE OR REPLACE FUNCTION asymm._mirror_forget(mirror bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm._mirror_in_force := asymm._mirror_table_of(mirror);
BEGIN
    -- What is gone has no owner any more: who mirrored it may let go.
    PERFORM asymm._require_rights(COALESCE((SELECT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid = v.relid), v.mirrored_by),
                                  format('%I.%I', v.schema_name, v.table_name));
    PERFORM asymm._audit('unmirror', format('%I.%I', v.schema_name, v.table_name), '{}');
    DELETE FROM asymm.mirror_state AS s WHERE s.mirror_id = mirror;
    DELETE FROM asymm.mirror_shape AS s WHERE s.mirror_id = mirror;
    DELETE FROM asymm.mirror_table AS m WHERE m.id = mirror;
    PERFORM pg_logical_emit_message(true, 'asymm', jsonb_build_object(
        'ddl', 'unmirror', 'id', mirror, 'relid', v.relid::bigint, 'table', format('%s.%s', v.schema_name, v.table_name), 'gone', true)::text);
END
$$;
COMMENT ON FUNCTION asymm._mirror_forget(bigint) IS 'Removes a mirrored table from the registry and says so in the WAL.';

CREATE OR REPLACE FUNCTION asymm._mirror_relation(mirror bigint) RETURNS oid
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT COALESCE((SELECT c.oid FROM pg_class c WHERE c.oid = f.relid),
                            (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                              WHERE f.relid IS NULL AND (n.nspname, c.relname) = (f.schema_name, f.table_name)))
              FROM asymm._mirror_in_force AS f WHERE f.id = mirror);
END
$$;
COMMENT ON FUNCTION asymm._mirror_relation(bigint) IS 'The table behind a registry entry, or NULL when it is gone.';

CREATE OR REPLACE FUNCTION asymm.unmirror(target text) RETURNS TABLE (object text, slot name)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_id bigint := asymm._mirror_named(target);
    v_relid oid := asymm._mirror_relation(v_id);
BEGIN
    SELECT s.object INTO object FROM asymm.mirror_status() AS s WHERE s.id = v_id;
    -- First the registry: the changes of the publication below are then none of the mirror's.
    PERFORM asymm._mirror_forget(v_id);
    IF v_relid IS NOT NULL THEN
        IF asymm._published_columns(v_relid) IS NOT NULL THEN
            PERFORM asymm._mirror_statements(ARRAY[format('ALTER PUBLICATION asymm_mirror DROP TABLE ONLY %s', v_relid::regclass)]);
        END IF;
        PERFORM asymm._mirror_statements(ARRAY[format('REVOKE SELECT ON TABLE %s FROM asymm_streamer', v_relid::regclass)]);
        PERFORM asymm._mirror_statements(ARRAY[format('REVOKE USAGE ON SCHEMA %I FROM asymm_streamer', n.nspname)])
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.oid = v_relid AND pg_has_role(current_user, n.nspowner, 'USAGE')
            AND NOT EXISTS (SELECT FROM asymm.mirror_status() AS s WHERE (parse_ident(s.object))[1] = n.nspname);
    END IF;
    SELECT s.slot_name INTO slot FROM pg_replication_slots s WHERE s.slot_name = asymm._mirror_slot();
    IF slot IS NOT NULL AND NOT EXISTS (SELECT FROM asymm.mirror_status()) THEN
        RAISE NOTICE 'nothing is mirrored any more, and slot "%" still keeps WAL', slot
            USING HINT = format('Stop the worker, then: SELECT pg_drop_replication_slot(%L)', slot);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION asymm.unmirror(text)
    IS 'Stops mirroring a table, which may be gone; the worker removes its keys. Returns it and the slot that still keeps WAL for the mirror, if there is one. Raises 22004, 22023, 42704, 42725, 42501.';
