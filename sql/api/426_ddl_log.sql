-- What the event triggers call: one row per DDL command, and the refusal for guarded tables.

CREATE OR REPLACE FUNCTION asymm._carries_secret(statement text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- The key word, then blanks or comments, then a value: quoted, in dollars, or behind an equals sign.
    RETURN statement ~* ('\m(password|passwd|pwd|connection|sslpassword|passphrase|secret|token|api_?key)\M"?'
                         '(\s|/\*.*?\*/|--[^\n]*\n)*(=|:|(e|u&)?''|\$)|\moptions(\s|/\*.*?\*/|--[^\n]*\n)*\(|://[^/\s:@]*:[^/\s@]+@');
END
$$;
COMMENT ON FUNCTION asymm._carries_secret(text) IS 'True for a statement that may contain a password, a connection string or options of a foreign server.';

CREATE OR REPLACE FUNCTION asymm._guarded(class_ids oid[], object_ids oid[], action text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT asymm._object_display(b.kind, b.schema_name, b.object_name)
          FROM asymm._touched(class_ids, object_ids, '{}', '{}') AS t (id)
          JOIN asymm.baseline AS b ON b.id = t.id AND asymm._is_guarded(b)
         -- A repair asked for by somebody who may is what the guard is for.
         WHERE NOT EXISTS (SELECT FROM asymm.action a
                            WHERE a.id = CASE WHEN action ~ '^[0-9]{1,18}$' THEN action::bigint END AND a.baseline_id = b.id
                              AND a.state IN ('applying', 'reverting') AND asymm._may_act(a.owner))
           AND NOT asymm._is_index_work(class_ids, object_ids)
         LIMIT 1);
END
$$;
COMMENT ON FUNCTION asymm._guarded(oid[], oid[], text) IS 'A guarded table among the given catalog addresses that is not just being repaired, or NULL.';

-- Grants name no object: a guarded table whose rows in pg_class or pg_attribute this very transaction wrote.
CREATE OR REPLACE FUNCTION asymm._guarded_now(action text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        WITH epoch AS (SELECT pg_current_xact_id()::text::bigint / 4294967296 * 4294967296 AS base),
             guarded AS MATERIALIZED (
                 SELECT s.object_id AS relid FROM asymm.baseline b JOIN asymm.baseline_state s ON s.baseline_id = b.id
                  WHERE b.policy = 'guard' AND s.class_id = 'pg_class'::regclass)
        SELECT asymm._guarded(array_agg('pg_class'::regclass::oid), array_agg(t.relid), action)
          FROM (SELECT c.oid AS relid, c.xmin FROM guarded g JOIN pg_class c ON c.oid = g.relid
                UNION ALL
                SELECT a.attrelid, a.xmin FROM guarded g JOIN pg_attribute a ON a.attrelid = g.relid WHERE a.attnum > 0) AS t
         CROSS JOIN epoch
         WHERE t.xmin::text::bigint > 2
           AND pg_xact_status(((t.xmin::text::bigint + epoch.base) || '')::xid8) = 'in progress');
END
$$;
COMMENT ON FUNCTION asymm._guarded_now(text) IS 'A guarded table that the present transaction changed and is not just repairing, or NULL.';

CREATE OR REPLACE FUNCTION asymm._refuse_guarded(event text, tag text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '1s'
AS $$
DECLARE
    v_table text;
    v_class_ids oid[];
    v_object_ids oid[];
    v_migrators name[];
BEGIN
    BEGIN
        IF NOT EXISTS (SELECT FROM asymm.baseline b WHERE b.policy = 'guard') THEN
            RETURN;
        END IF;
        v_migrators := (asymm._settings()).migrator_roles;
        IF session_user = ANY (v_migrators) OR asymm._caller() = ANY (v_migrators)
           OR (COALESCE(btrim(current_setting('asymm.intent', true)), '') <> ''
               AND EXISTS (SELECT FROM pg_roles r WHERE r.rolname = asymm._caller() AND r.rolsuper))
           OR asymm._displaced() IS NOT NULL THEN
            RETURN;
        END IF;
        IF event = 'sql_drop' THEN
            SELECT array_agg(o.classid), array_agg(o.objid) INTO v_class_ids, v_object_ids FROM pg_event_trigger_dropped_objects() AS o;
        ELSE
            SELECT array_agg(c.classid), array_agg(c.objid) INTO v_class_ids, v_object_ids
              FROM pg_event_trigger_ddl_commands() AS c WHERE c.objid IS NOT NULL AND NOT c.in_extension;
        END IF;
        v_table := asymm._guarded(v_class_ids, v_object_ids, current_setting('asymm.action', true));
        IF v_table IS NULL AND tag IN ('GRANT', 'REVOKE', 'DROP OWNED') THEN
            v_table := asymm._guarded_now(current_setting('asymm.action', true));
        END IF;
    EXCEPTION WHEN OTHERS THEN
        -- What cannot be judged is not refused: a fault of ours must not stop anybody's work.
        RAISE LOG 'asymmetrica: guard not asked: % (%)', SQLERRM, SQLSTATE;
        RETURN;
    END;
    IF v_table IS NOT NULL THEN
        RAISE EXCEPTION 'table % is guarded', v_table
            USING ERRCODE = 'SY002',
                  DETAIL = format('%s by role "%s" was refused; nothing was changed.', tag, asymm._caller()),
                  HINT = format('Run it as a role listed in migrator_roles, as a superuser after SET LOCAL asymm.intent = ''…'', '
                                'or change the policy: SELECT asymm.watch(%L, ''propose'');', v_table);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._refuse_guarded(text, text)
    IS 'Raises SY002 for DDL on tables of policy guard unless a migrator role or a superuser with intent runs it; inert in restores and clones.';
-- An update calls it from its own next CREATE FUNCTION, whoever may run functions by default.
ALTER FUNCTION asymm._refuse_guarded(text, text) OWNER TO asymm_owner;

-- Everybody's DDL pays for this, and pays for expressions and calls rather than for the row: what is rarely needed is asked
-- last, and the guard only where there is one.
CREATE OR REPLACE FUNCTION asymm._on_ddl() RETURNS event_trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
-- Longer than planning holds the log (asymm._hold_ddl()): what is not logged is not known to be intended.
SET lock_timeout = '3s'
-- A session may read literals in another way; those of ours are read then too.
SET standard_conforming_strings = on
AS $$
DECLARE
    v_chars integer;
    v_roles name[];
    v_applications text[];
    v_guard boolean;
    v_mirror boolean;
    v_protects boolean;
    v_caller name;
    v_application text;
    v_intent text;
    v_action text;
    v_statement text;
    v_class_ids oid[];
    v_object_ids oid[];
    v_identities text[];
    v_parent_schemas text[];
    v_parent_names text[];
BEGIN
    BEGIN
        IF TG_EVENT = 'sql_drop' THEN
            SELECT array_agg(d.classid), array_agg(d.objid), array_agg(d.object_identity ORDER BY d.original DESC),
                   array_agg(d.address_names[1]) FILTER (WHERE d.parted), array_agg(d.address_names[2]) FILTER (WHERE d.parted)
              INTO v_class_ids, v_object_ids, v_identities, v_parent_schemas, v_parent_names
              FROM (SELECT o.classid, o.objid, o.object_identity, o.original, o.address_names,
                           cardinality(o.address_names) >= 2 AND o.object_type IN
                               ('table', 'table column', 'table constraint', 'default value', 'trigger', 'policy', 'rule') AS parted
                      FROM pg_event_trigger_dropped_objects() AS o
                     WHERE NOT o.is_temporary AND o.object_type NOT IN ('type', 'toast table')) AS d;
        ELSIF TG_TAG LIKE 'DROP %' AND TG_TAG <> 'DROP OWNED' THEN
            -- All of it was told by sql_drop; only DROP OWNED may have revoked something besides.
            RETURN;
        ELSE
            -- A command that names no object (GRANT) is a row without one, but for the catalog.
            SELECT array_agg(c.classid) FILTER (WHERE c.objid IS NOT NULL), array_agg(c.objid) FILTER (WHERE c.objid IS NOT NULL),
                   array_agg(c.object_identity)
              INTO v_class_ids, v_object_ids, v_identities
              FROM pg_event_trigger_ddl_commands() AS c
             WHERE NOT c.in_extension AND c.schema_name IS DISTINCT FROM 'pg_temp';
            IF v_object_ids IS NULL AND v_identities IS NOT NULL AND TG_TAG IN ('GRANT', 'REVOKE') THEN
                SELECT array_agg(DISTINCT r.catalog::oid) INTO v_class_ids
                  FROM pg_event_trigger_ddl_commands() AS c
                  JOIN (VALUES ('TABLE', 'pg_class'::regclass), ('SEQUENCE', 'pg_class'), ('SCHEMA', 'pg_namespace'), ('FUNCTION', 'pg_proc'),
                               ('PROCEDURE', 'pg_proc'), ('ROUTINE', 'pg_proc'), ('TYPE', 'pg_type'), ('DOMAIN', 'pg_type'),
                               ('LANGUAGE', 'pg_language'), ('FOREIGN SERVER', 'pg_foreign_server'),
                               ('FOREIGN DATA WRAPPER', 'pg_foreign_data_wrapper')) AS r (object_type, catalog)
                    ON r.object_type = c.object_type;
            END IF;
            IF cardinality(v_identities) > 1 THEN
                v_identities := ARRAY(SELECT DISTINCT i.identity FROM unnest(v_identities) AS i (identity) ORDER BY 1);
            END IF;
        END IF;
        SELECT s.statement_chars, s.migrator_roles, s.migrator_applications, EXISTS (SELECT FROM asymm.baseline b WHERE b.policy = 'guard'),
               EXISTS (SELECT FROM asymm.mirror_table), EXISTS (SELECT FROM asymm.protected_column)
          INTO v_chars, v_roles, v_applications, v_guard, v_mirror, v_protects FROM asymm.setting AS s;
        IF NOT FOUND THEN
            SELECT s.statement_chars, s.migrator_roles, s.migrator_applications, EXISTS (SELECT FROM asymm.baseline b WHERE b.policy = 'guard'),
                   EXISTS (SELECT FROM asymm.mirror_table), EXISTS (SELECT FROM asymm.protected_column)
              INTO v_chars, v_roles, v_applications, v_guard, v_mirror, v_protects FROM asymm._setting_default AS s;
        END IF;
        IF v_identities IS NOT NULL THEN
            v_caller := COALESCE(NULLIF(current_setting('role', true), 'none'), session_user);    -- as asymm._caller()
            v_application := current_setting('application_name', true);
            v_intent := NULLIF(btrim(current_setting('asymm.intent', true)), '');
            v_action := NULLIF(current_setting('asymm.action', true), '');
            -- Commands that carry secrets leave no text, nor does a string of several commands with one of them in it. Most
            -- have none of the words, which is quicker to see.
            IF v_chars > 0 AND TG_TAG NOT LIKE ALL ('{%SERVER%,%SUBSCRIPTION%,%ROLE%,%USER%}') THEN
                v_statement := left(current_query(), v_chars);
                IF v_statement ~* 'pass|pwd|connection|secret|token|api|options|://' AND asymm._carries_secret(v_statement) THEN
                    v_statement := NULL;
                END IF;
            END IF;
            IF v_protects THEN
                PERFORM asymm._protected_follow(TG_TAG);
                -- Where such a text ends depends on the session.
                v_statement := regexp_replace(v_statement, '\\''.*$', '''…');
                IF asymm._names_protected(TG_TAG, v_statement) THEN
                    v_statement := asymm._without_constants(v_statement);
                END IF;
            END IF;
            INSERT INTO asymm.ddl_log (role, login, application, client_addr, command_tag, statement, intent, intended, action_id,
                                       class_ids, object_ids, identities, parent_schemas, parent_names)
            VALUES (v_caller, session_user, v_application, inet_client_addr(), TG_TAG, v_statement, v_intent,
                    v_action IS NULL AND (v_intent IS NOT NULL OR v_caller = ANY (v_roles)
                                          OR session_user = ANY (v_roles)
                                          OR v_application = ANY (v_applications)),
                    CASE WHEN v_action ~ '^[0-9]{1,18}$' THEN v_action::bigint END,
                    COALESCE(v_class_ids, '{}'), COALESCE(v_object_ids, '{}'), v_identities,
                    COALESCE(v_parent_schemas, '{}'), COALESCE(v_parent_names, '{}'));
        END IF;
    EXCEPTION WHEN OTHERS THEN
        -- The user's DDL goes on whatever happens here; the full scan finds what this row would have told.
        RAISE LOG 'asymmetrica: DDL not logged: % (%)', SQLERRM, SQLSTATE;
    END;
    IF v_mirror THEN
        PERFORM asymm._mirror_ddl(TG_EVENT, TG_TAG, v_class_ids, v_object_ids, v_identities IS NOT NULL);
    ELSIF v_mirror IS NULL THEN
        -- Not even that is known: whoever reads the stream takes it for a change of every table.
        PERFORM pg_logical_emit_message(true, 'asymm', jsonb_build_object('ddl', TG_TAG, 'error', 'not judged')::text);
    END IF;
    IF v_guard IS NOT FALSE THEN
        PERFORM asymm._refuse_guarded(TG_EVENT, TG_TAG);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._on_ddl()
    IS 'Event trigger: writes one row to asymm.ddl_log per command (and one per drop); raises nothing but what a guard refuses (SY002).';

CREATE OR REPLACE FUNCTION asymm._on_guard() RETURNS event_trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._refuse_guarded(TG_EVENT, TG_TAG);
END
$$;
COMMENT ON FUNCTION asymm._on_guard() IS 'Bound to nothing: what DDL that is under way during the update from 0.0.1 has yet to call.';
