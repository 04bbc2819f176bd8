-- Many databases compared by one root hash each. The driver asks every one and reports here.

CREATE OR REPLACE VIEW asymm.fleet AS
    SELECT m.name, m.fingerprint, m.label, m.seen_at, m.changed_at, m.reported_by,
           ARRAY(SELECT o.name FROM asymm.fleet_member AS o
                  WHERE o.fingerprint = m.fingerprint AND o.name <> m.name ORDER BY o.name) AS agrees_with
      FROM asymm.fleet_member AS m;
COMMENT ON VIEW asymm.fleet
    IS 'Databases that were reported, with the root fingerprint of each, when it was last seen and last changed, and which others are the same.';

CREATE OR REPLACE FUNCTION asymm.report_to_fleet(name text, fingerprint text, label text DEFAULT NULL)
RETURNS TABLE (member text, root text, described text, seen_at timestamptz, changed_at timestamptz, reported_by name, agrees_with text[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM asymm._require_session();
    PERFORM asymm._require_text(report_to_fleet.name, 'name');
    PERFORM asymm._require_text(report_to_fleet.fingerprint, 'fingerprint');
    IF octet_length(report_to_fleet.name) > 200 OR octet_length(report_to_fleet.label) > 1000 THEN
        RAISE EXCEPTION 'name or label is too long'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A name has 200 bytes at most, a label 1,000.', HINT = 'Shorten it.';
    ELSIF report_to_fleet.fingerprint !~ '^[0-9a-f]{64}$' THEN
        RAISE EXCEPTION 'not a fingerprint: "%"', left(report_to_fleet.fingerprint, 100)
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A fingerprint is 64 hexadecimal digits.',
                  HINT = 'In the database that is reported: SELECT asymm.fingerprint_database();';
    ELSIF report_to_fleet.label ~* '(://[^/?#@]*:[^/?#@]*@)|(\mpass(word|wd)?\s*=)' THEN
        RAISE EXCEPTION 'the label holds a password'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A label says which server and database it is, to everybody who may look.',
                  HINT = 'Leave the password out: host, port and database are enough.';
    END IF;
    INSERT INTO asymm.fleet_member AS m (name, fingerprint, label, reported_by)
    VALUES (report_to_fleet.name, report_to_fleet.fingerprint, report_to_fleet.label, asymm._caller())
    ON CONFLICT ON CONSTRAINT fleet_member_pkey DO UPDATE
       SET fingerprint = excluded.fingerprint, label = COALESCE(excluded.label, m.label), seen_at = excluded.seen_at,
           changed_at = CASE WHEN m.fingerprint = excluded.fingerprint THEN m.changed_at ELSE excluded.seen_at END,
           reported_by = excluded.reported_by;
    RETURN QUERY SELECT f.name, f.fingerprint, f.label, f.seen_at, f.changed_at, f.reported_by, f.agrees_with
                   FROM asymm.fleet AS f WHERE f.name = report_to_fleet.name;
END
$$;
COMMENT ON FUNCTION asymm.report_to_fleet(text, text, text)
    IS 'Writes down what fingerprint_database() said in another database (or this one), by a name of your choice; the label is for people and must hold no password. Raises 22004, 22023.';

CREATE OR REPLACE FUNCTION asymm.leave_fleet(name text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_session();
    PERFORM asymm._require_text(leave_fleet.name, 'name');
    DELETE FROM asymm.fleet_member AS m WHERE m.name = leave_fleet.name;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION asymm.leave_fleet(text) IS 'Forgets a database of the fleet; false when there was none of that name. Raises 22004, 22023.';
