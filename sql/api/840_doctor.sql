-- doctor(): everything that should be so, and the command that makes it so. Never fails itself.

CREATE OR REPLACE FUNCTION asymm.doctor() RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_part text;
BEGIN
    FOR v_part IN SELECT unnest(ARRAY['_doctor_server', '_doctor_extensions', '_doctor_roles', '_doctor_jobs',
                                      '_doctor_loops', '_doctor_healing', '_doctor_mirror', '_doctor_audit', '_doctor_masked', '_doctor_erasure',
                                      '_doctor_alerts']) LOOP
        BEGIN
            RETURN QUERY EXECUTE format('SELECT * FROM asymm.%I()', v_part);
        EXCEPTION WHEN OTHERS THEN
            check_name := substr(v_part, 9);
            status := 'error';
            seen := format('could not be looked at: %s (%s)', SQLERRM, SQLSTATE);
            remedy := 'run SELECT * FROM asymm.doctor() as superuser';
            RETURN NEXT;
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm.doctor() IS 'Each server setting, extension, role, actor, job, loop, organ and trigger: ok, warning or error, what was seen, and the command that mends it.';
