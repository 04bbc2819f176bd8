-- verify_audit(): whether the audit is as it was written.

CREATE OR REPLACE FUNCTION asymm._audit_faults(anchor text) RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_seq constant bigint := split_part(anchor, ':', 1);
    v_hash constant text := split_part(anchor, ':', 2);
BEGIN
    RETURN QUERY
        WITH chain AS (
            SELECT s.seq, s.entry_id, s.digest, s.hash, s.sealed_at,
                   lag(s.hash, 1, repeat('0', 64)) OVER w AS previous, lag(s.seq, 1, 0::bigint) OVER w AS before
              FROM asymm.audit_seal AS s WINDOW w AS (ORDER BY s.seq))
        SELECT CASE WHEN c.seq <> c.before + 1 THEN format('places %s to %s of the chain are missing', c.before + 1, c.seq - 1)
                    WHEN c.hash <> asymm._audit_link(c.previous, c.seq, c.digest, c.sealed_at) THEN format('place %s of the chain was changed', c.seq)
                    WHEN e.id IS NULL THEN format('entry %s is missing', c.entry_id)
                    ELSE format('entry %s was changed', c.entry_id) END
          FROM chain AS c LEFT JOIN asymm.audit_entry AS e ON e.id = c.entry_id
         WHERE c.seq <> c.before + 1 OR c.hash <> asymm._audit_link(c.previous, c.seq, c.digest, c.sealed_at)
            OR e.id IS NULL OR asymm._audit_digest(e) <> c.digest
         ORDER BY c.seq LIMIT 100;
    RETURN QUERY
        SELECT format('the chain ends at place %s, and went on to %s', COALESCE(s.seq, 0), h.seq)
          FROM asymm.audit_head AS h LEFT JOIN (SELECT max(x.seq) AS seq FROM asymm.audit_seal AS x) AS s ON true
         WHERE COALESCE(s.seq, 0) <> h.seq;
    RETURN QUERY
        SELECT format('what the chain ends with at place %s was changed', h.seq)
          FROM asymm.audit_head AS h JOIN asymm.audit_seal AS s ON s.seq = h.seq WHERE s.hash <> h.hash;
    RETURN QUERY
        SELECT 'what the chain ends with is gone'::text WHERE NOT EXISTS (SELECT FROM asymm.audit_head) AND EXISTS (SELECT FROM asymm.audit_seal);
    RETURN QUERY
        SELECT format('the anchor''s place %s is not in the chain, or is another one: entries up to it were taken away or written anew', v_seq)
         WHERE v_seq > 0 AND NOT EXISTS (SELECT FROM asymm.audit_seal AS s WHERE s.seq = v_seq AND s.hash = v_hash);
    RETURN QUERY
        SELECT format('entry %s is %s old and was never sealed', e.id, date_trunc('minute', clock_timestamp() - e.at))
          FROM asymm.audit_entry AS e CROSS JOIN asymm.audit_head AS h
         WHERE e.id <= h.floor AND NOT EXISTS (SELECT FROM asymm.audit_seal AS s WHERE s.entry_id = e.id) ORDER BY e.id LIMIT 100;
END
$$;
COMMENT ON FUNCTION asymm._audit_faults(text) IS 'What is wrong with the audit and its chain.';

CREATE OR REPLACE FUNCTION asymm._audit_state(OUT entries bigint, OUT sealed bigint, OUT anchor text, OUT waiting interval)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT count(*) INTO entries FROM asymm.audit_entry;
    SELECT count(*) INTO sealed FROM asymm.audit_seal;
    SELECT format('%s:%s', h.seq, h.hash) INTO anchor FROM asymm.audit_head AS h;
    SELECT clock_timestamp() - min(e.at) INTO waiting FROM asymm.audit_entry AS e
     WHERE e.id > COALESCE((SELECT h.floor FROM asymm.audit_head AS h), 0) AND NOT EXISTS (SELECT FROM asymm.audit_seal AS s WHERE s.entry_id = e.id);
END
$$;
COMMENT ON FUNCTION asymm._audit_state() IS 'How many entries the audit has, how many are sealed, the anchor, and how long the oldest has waited for its seal.';

CREATE OR REPLACE FUNCTION asymm.verify_audit(anchor text DEFAULT NULL)
RETURNS TABLE (intact boolean, entries bigint, sealed bigint, present_anchor text, faults text[])
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_state record;
BEGIN
    IF anchor !~ '^[0-9]{1,18}:[0-9a-f]{64}$' THEN
        RAISE EXCEPTION 'not an anchor: "%"', anchor
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'An anchor is a number, a colon and 64 hexadecimal digits.',
                  HINT = 'SELECT asymm.seal_audit(); returns the present one, and the server''s log has them all.';
    END IF;
    faults := ARRAY(SELECT f FROM asymm._audit_faults(anchor) AS f);
    SELECT s.* INTO v_state FROM asymm._audit_state() AS s;
    entries := v_state.entries;
    sealed := v_state.sealed;
    present_anchor := v_state.anchor;
    intact := faults = '{}';
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION asymm.verify_audit(text)
    IS 'Reads the whole audit and tells whether entries or the chain over them were changed or taken away. A chain that was written anew as a whole, or cut at its end with care, is noticed only by an anchor kept elsewhere: give it. Raises 22023.';

-- pgaudit records of a table what its role may do there: nobody logs in as it.
CREATE OR REPLACE FUNCTION asymm._unrecorded(role text) RETURNS regclass[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT DISTINCT f.relid::regclass FROM asymm._protected_in_force AS f
                  WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = role AND has_column_privilege(r.oid, f.relid, f.attnum, 'SELECT'))
                  ORDER BY 1);
END
$$;
COMMENT ON FUNCTION asymm._unrecorded(text) IS 'Tables with protected columns that a role may not read.';

CREATE OR REPLACE FUNCTION asymm._doctor_audit() RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_log constant text := asymm._setting_of('pgaudit.log');
    v_role constant text := NULLIF(asymm._setting_of('pgaudit.role'), '');
    v_loaded constant boolean := asymm._setting_of('shared_preload_libraries') ~ '\mpgaudit\M' AND v_log IS NOT NULL;
    v_texts constant boolean := v_loaded AND asymm._setting_of('pgaudit.log_statement') = 'on';
    v_values constant boolean := v_loaded AND asymm._setting_of('pgaudit.log_parameter') = 'on';
    -- Without statements and names of relations nobody knows what was read.
    v_whole constant boolean := v_loaded AND (v_log ~* '\mall\M' OR v_log ~* '\mread\M' AND v_log ~* '\mwrite\M')
                                AND (v_texts OR asymm._setting_of('pgaudit.log_relation') = 'on');
    v_unaudited constant regclass[] := asymm._unrecorded(v_role);
    v_state record;
BEGIN
    SELECT s.* INTO v_state FROM asymm._audit_state() AS s;
    check_name := 'audit';
    status := CASE WHEN v_state.waiting > interval '5 min' THEN 'warning' ELSE 'ok' END;
    seen := format('%s entries, %s sealed%s', v_state.entries, v_state.sealed,
                   ', the oldest other waits for ' || date_trunc('second', v_state.waiting) || ' already')
            || CASE WHEN asymm._records_reads() THEN '; reads of entities by functions are in it' ELSE '' END;
    remedy := CASE status WHEN 'warning' THEN 'SELECT asymm.seal_audit(); or have the pulse run, which does it' END;
    RETURN NEXT;
    check_name := 'audit of direct SQL';
    status := CASE WHEN NOT asymm._protects()
                        OR v_loaded AND (v_whole OR v_role IS NOT NULL AND v_unaudited = '{}') AND NOT v_texts AND NOT v_values
                   THEN 'ok' ELSE 'warning' END;
    seen := CASE WHEN NOT v_loaded THEN 'pgaudit is not loaded: only what goes through functions of asymm is recorded'
                 WHEN v_whole THEN format('pgaudit records %s, in the server''s log', v_log)
                 WHEN v_role IS NULL THEN format('pgaudit is loaded and records %s: not every read and write', v_log)
                 WHEN v_unaudited <> '{}' THEN format('pgaudit does not record what is done to %s', array_to_string(v_unaudited, ', '))
                 ELSE format('pgaudit records what role %s has privileges on, in the server''s log', v_role) END
            || CASE WHEN v_texts OR v_values
                    THEN format('; it writes %s there too', concat_ws(' and ', CASE WHEN v_texts THEN 'statements with their constants' END,
                                                                      CASE WHEN v_values THEN 'parameters' END)) ELSE '' END;
    remedy := CASE WHEN status = 'ok' THEN NULL
                   WHEN v_loaded THEN concat_ws('; ',
                       CASE WHEN NOT v_whole AND v_role IS NULL THEN 'CREATE ROLE audited NOLOGIN' END,
                       CASE WHEN NOT v_whole AND v_unaudited <> '{}'
                            THEN format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', array_to_string(v_unaudited, ', '),
                                        COALESCE(v_role, 'audited')) END,
                       CASE WHEN NOT v_whole AND v_role IS NULL THEN 'ALTER SYSTEM SET pgaudit.role = ''audited''' END,
                       CASE WHEN v_whole AND v_texts THEN 'ALTER SYSTEM SET pgaudit.log_relation = on' END,
                       CASE WHEN v_texts THEN 'ALTER SYSTEM SET pgaudit.log_statement = off' END,
                       CASE WHEN v_values THEN 'ALTER SYSTEM SET pgaudit.log_parameter = off' END,
                       'SELECT pg_reload_conf()')
                   ELSE format('apt-get install postgresql-%s-pgaudit; add pgaudit to shared_preload_libraries and restart the server',
                               current_setting('server_version_num')::integer / 10000) END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION asymm._doctor_audit() IS 'Whether the audit is sealed, and whether direct SQL is recorded too.';
