-- pause() and resume(): the switch for healing. Noticing goes on while healing is paused.

CREATE OR REPLACE FUNCTION asymm._healing()
    RETURNS TABLE (healing text, cause text, changed_by name, changed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN p.reason IS NULL THEN 'on' ELSE 'paused' END, p.reason, c.paused_by, c.changed_at
      FROM asymm.control c CROSS JOIN LATERAL (SELECT asymm._healing_paused()) AS p (reason)
$$;
COMMENT ON FUNCTION asymm._healing() IS 'Whether healing is on or paused, why, by whom and since when.';

CREATE OR REPLACE FUNCTION asymm.pause(reason text)
    RETURNS TABLE (healing text, cause text, changed_by name, changed_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    UPDATE asymm.control SET paused = asymm._require_text($1, 'reason'), paused_by = asymm._caller(),
        changed_at = clock_timestamp();
    PERFORM asymm._audit('pause', 'healing', jsonb_build_object('reason', left($1, 1000)));
    RETURN QUERY SELECT * FROM asymm._healing();
END
$$;
COMMENT ON FUNCTION asymm.pause(text) IS 'Pauses healing with a reason; drift is still noticed and proposed. asymm.resume() ends it.';

CREATE OR REPLACE FUNCTION asymm.resume()
    RETURNS TABLE (healing text, cause text, changed_by name, changed_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    -- After a restore or clone the declarations name objects whose addresses changed: find them again first.
    PERFORM asymm._rebuild_members();
    PERFORM asymm._protected_follow();
    PERFORM asymm._mirror_resume();
    -- Roles may have other memberships here.
    PERFORM asymm._renew_policies();
    UPDATE asymm.control SET paused = NULL, paused_by = asymm._caller(), changed_at = clock_timestamp(),
        place = asymm._place();
    PERFORM asymm._audit('resume', 'healing', '{}');
    RETURN QUERY SELECT * FROM asymm._healing();
END
$$;
COMMENT ON FUNCTION asymm.resume() IS 'Ends a pause, also the one after a restore or clone: this place is now where healing is allowed.';
