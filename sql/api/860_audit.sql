-- Entries of the audit: added with the transaction that they tell of. Functions here run as asymm_auditor.

CREATE OR REPLACE FUNCTION asymm._audit(action text, object text, detail jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO asymm.audit_entry AS e (at, role, login, address, application, action, object, detail)
    VALUES (clock_timestamp(), asymm._caller(), session_user, inet_client_addr(), left(current_setting('application_name'), 200),
            left(_audit.action, 100), left(COALESCE(_audit.object, ''), 1000), COALESCE(_audit.detail, '{}'));
END
$$;
COMMENT ON FUNCTION asymm._audit(text, text, jsonb) IS 'Adds an entry to the audit.';

CREATE OR REPLACE FUNCTION asymm.audit(action text, object text, detail jsonb DEFAULT '{}') RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_session();
    PERFORM asymm._require_text(action, 'action');
    PERFORM asymm._require_text(object, 'object');
    IF length(action) > 90 OR length(object) > 1000 OR detail IS NULL OR jsonb_typeof(detail) <> 'object' OR octet_length(detail::text) > 65536 THEN
        RAISE EXCEPTION 'not an entry of the audit'
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'An action has 90 characters at most, an object 1,000; the detail is a JSON object of 64 KiB at most.',
                  HINT = 'SELECT asymm.audit(''looked at'', ''customer 17'', ''{"reason": "ticket 4711"}'');';
    END IF;
    PERFORM asymm._audit('told: ' || action, object, detail);
END
$$;
COMMENT ON FUNCTION asymm.audit(text, text, jsonb)
    IS 'Adds an entry of your own to the audit, as "told: " and the action: an application tells what it looked at, of whom, and why. Keep personal data out of it: entries are never changed. Raises 22004, 22023.';

-- Each part with its length before it: no two entries read alike.
CREATE OR REPLACE FUNCTION asymm._audit_digest(entry asymm.audit_entry) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT encode(sha256(convert_to(string_agg(format('%s:%s', COALESCE(octet_length(p.part), -1), p.part), ',' ORDER BY p.place),
                                            'UTF8')), 'hex')
              FROM unnest(ARRAY[entry.id::text, EXTRACT(epoch FROM entry.at)::text, entry.role::text, entry.login::text, entry.address::text,
                                entry.application, entry.action, entry.object, entry.detail::text]) WITH ORDINALITY AS p (part, place));
END
$$;
COMMENT ON FUNCTION asymm._audit_digest(asymm.audit_entry) IS 'SHA-256 of an entry.';

CREATE OR REPLACE FUNCTION asymm._audit_link(previous text, seq bigint, digest text, sealed_at timestamptz) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN encode(sha256(convert_to(format('%s:%s:%s:%s', previous, seq, digest, EXTRACT(epoch FROM sealed_at)), 'UTF8')), 'hex'); END $$;
COMMENT ON FUNCTION asymm._audit_link(text, bigint, text, timestamptz) IS 'The hash of a place in the chain.';

-- Only this waits for others of its kind. Transactions that began before and end later are sealed next time.
CREATE OR REPLACE FUNCTION asymm._seal_audit(everything boolean) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_seq bigint;
    v_from bigint;
    v_hash text;
    v_floor bigint := COALESCE((SELECT h.floor FROM asymm.audit_head AS h), 0);
    v_digest text;
    v_now constant timestamptz := clock_timestamp();
    v asymm.audit_entry;
BEGIN
    -- At rest nothing is locked and nothing written.
    IF EXISTS (SELECT FROM asymm.audit_entry AS e
                WHERE (everything OR e.id > v_floor) AND NOT EXISTS (SELECT FROM asymm.audit_seal AS s WHERE s.entry_id = e.id)) THEN
        INSERT INTO asymm.audit_head VALUES (true, 0, repeat('0', 64), 0, clock_timestamp()) ON CONFLICT DO NOTHING;
        SELECT h.seq, h.seq, h.hash, h.floor INTO v_seq, v_from, v_hash, v_floor FROM asymm.audit_head AS h FOR UPDATE;
        FOR v IN SELECT e.* FROM asymm.audit_entry AS e
                  WHERE (everything OR e.id > v_floor) AND NOT EXISTS (SELECT FROM asymm.audit_seal AS s WHERE s.entry_id = e.id)
                  ORDER BY e.id LIMIT CASE WHEN everything THEN 1000000 ELSE 3000 END LOOP
            v_seq := v_seq + 1;
            v_digest := asymm._audit_digest(v);
            v_hash := asymm._audit_link(v_hash, v_seq, v_digest, v_now);
            INSERT INTO asymm.audit_seal VALUES (v_seq, v.id, v_digest, v_hash, v_now);
        END LOOP;
    END IF;
    IF v_seq > v_from THEN
        UPDATE asymm.audit_head AS h
           SET seq = v_seq, hash = v_hash, sealed_at = clock_timestamp(),
               floor = GREATEST(v_floor, COALESCE((SELECT max(e.id) FROM asymm.audit_entry AS e
                                                    WHERE e.id > v_floor AND e.at < clock_timestamp() - interval '1 hour'), 0));
        -- A log that leaves the machine is the anchor: who rewrites the chain can't rewrite what was said of it.
        RAISE LOG 'asymmetrica audit anchor %:%', v_seq, v_hash;
    END IF;
    RETURN (SELECT format('%s:%s', h.seq, h.hash) FROM asymm.audit_head AS h);
END
$$;
COMMENT ON FUNCTION asymm._seal_audit(boolean) IS 'Lays the chain over entries that were added since, of the last hour or all; returns the anchor.';

CREATE OR REPLACE FUNCTION asymm.seal_audit() RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN asymm._seal_audit(true); END $$;
COMMENT ON FUNCTION asymm.seal_audit()
    IS 'Seals all entries of the audit now, as the organ "audit" does every ten seconds, and returns the anchor (number:hash). Kept elsewhere, it tells asymm.verify_audit() whether the end was taken away.';

CREATE OR REPLACE FUNCTION asymm._tend_audit() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT pg_is_in_recovery() THEN
        PERFORM asymm._seal_audit(false);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._tend_audit() IS 'Organ: seals what was added to the audit.';

CREATE OR REPLACE VIEW asymm.audit_log AS
    SELECT e.id, e.at, e.role, e.login, e.address, e.application, e.action, e.object, e.detail, s.seq AS sealed_as
      FROM asymm.audit_entry AS e LEFT JOIN asymm.audit_seal AS s ON s.entry_id = e.id;
COMMENT ON VIEW asymm.audit_log IS 'For operators: the entries of the audit, with their places in the chain (NULL: not sealed yet).';
