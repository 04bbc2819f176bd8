-- What is said: short, names and figures only. Values of rows and statements never leave the database this way.

CREATE OR REPLACE FUNCTION asymm._short_time(span interval) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_seconds constant numeric := GREATEST(0, EXTRACT(epoch FROM span));
BEGIN
    RETURN CASE WHEN v_seconds < 9.95 THEN format('%s s', round(v_seconds, 1))
                WHEN v_seconds < 90 THEN format('%s s', round(v_seconds))
                WHEN v_seconds < 5400 THEN format('%s min', round(v_seconds / 60))
                WHEN v_seconds < 172800 THEN format('%s h', round(v_seconds / 3600))
                ELSE format('%s days', round(v_seconds / 86400)) END;
END
$$;
COMMENT ON FUNCTION asymm._short_time(interval) IS 'A span of time as people say it: 0.3 s, 12 min, 3 days.';

CREATE OR REPLACE FUNCTION asymm._drift_words(drift asymm.drift_record) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_thing constant text := concat_ws(' ', drift.part, NULLIF(drift.name, ''));
BEGIN
    RETURN CASE WHEN drift.attribute = 'name' THEN v_thing || ' has another name'
                WHEN drift.attribute IS NOT NULL THEN format('%s: another %s', v_thing, replace(drift.attribute, '_', ' '))
                WHEN drift.actual IS NULL THEN v_thing || ' is gone'
                WHEN drift.declared IS NULL THEN v_thing || ' is not declared'
                ELSE v_thing || ' is another' END;
END
$$;
COMMENT ON FUNCTION asymm._drift_words(asymm.drift_record) IS 'A difference in a few words: column due_date is gone.';

-- Of what drifts: who did it, and what is being done about it.
CREATE OR REPLACE FUNCTION asymm._drift_text(alert asymm.alert) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
BEGIN
    SELECT string_agg(DISTINCT concat_ws(', ', l.role, NULLIF(l.application, '')), '; ') AS who,
           max(a.id) FILTER (WHERE a.state = 'proposed') AS proposed,
           max(a.reason) FILTER (WHERE a.state = 'proposed' AND a.reason NOT LIKE 'policy %') AS reason,
           max(a.id) FILTER (WHERE a.state = 'failed') AS failed,
           bool_or(a.state IN ('approved', 'applying')) AS coming
      INTO v
      FROM asymm.drift_record AS d
      LEFT JOIN asymm.ddl_log AS l ON l.id = d.ddl_log_id
      LEFT JOIN asymm.action AS a ON a.id = d.action_id
     WHERE d.state = 'open' AND (d.kind, d.schema_name, d.object_name) = (alert.object_kind, alert.schema_name, alert.object_name);
    RETURN format('%s: %s', alert.about, alert.seen) || COALESCE(format(' (%s)', left(v.who, 200)), '')
           || CASE WHEN v.failed IS NOT NULL THEN format('. The repair failed: SELECT * FROM asymm.action_history(%s)', v.failed)
                   WHEN v.proposed IS NOT NULL THEN format('. %sTo repair it: SELECT * FROM asymm.approve(%s)',
                                                           COALESCE('Held back: ' || left(v.reason, 200) || '. ', ''), v.proposed)
                   WHEN v.coming THEN '. Its repair is under way' ELSE '' END;
END
$$;
COMMENT ON FUNCTION asymm._drift_text(asymm.alert) IS 'What drifts, by whom, and what may be done.';

-- Schema health is the share of what is watched that is as declared.
CREATE OR REPLACE FUNCTION asymm._synced_text(alert asymm.alert) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_gain numeric;
BEGIN
    SELECT count(*) AS n, min(d.name) AS name, bool_and(d.actual IS NULL AND d.attribute IS NULL) AS restored,
           max(COALESCE(a.applied_at, d.resolved_at)) - min(COALESCE(l.at, d.noticed_at)) AS took
      INTO v
      FROM asymm.drift_record AS d
      LEFT JOIN asymm.ddl_log AS l ON l.id = d.ddl_log_id
      LEFT JOIN asymm.action AS a ON a.id = d.action_id
     WHERE d.state = 'healed' AND d.resolved_at >= alert.opened_at
       AND (d.kind, d.schema_name, d.object_name) = (alert.object_kind, alert.schema_name, alert.object_name);
    SELECT round(100.0 / NULLIF(count(*), 0)) INTO v_gain FROM asymm.baseline AS b;
    RETURN format('Schema synced: %s %s in %s%s',
                  alert.about || CASE WHEN v.n = 1 AND v.name <> '' THEN '.' || v.name WHEN v.n > 1 THEN format(' (%s differences)', v.n) ELSE '' END,
                  CASE WHEN v.restored THEN 'restored' ELSE 'put right' END, asymm._short_time(v.took),
                  CASE WHEN v_gain >= 1 THEN format(', schema health +%s %%', v_gain) ELSE '' END);
END
$$;
COMMENT ON FUNCTION asymm._synced_text(asymm.alert) IS 'What was repaired, in which time, and what that is of all that is watched.';

CREATE OR REPLACE FUNCTION asymm._alert_text(alert asymm.alert, what text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_lasted constant text := asymm._short_time(COALESCE(alert.closed_at, clock_timestamp()) - alert.opened_at);
    v_about constant text := CASE WHEN alert.about = '*' THEN 'database ' || current_database() ELSE alert.about END;
    v_text text;
BEGIN
    IF what = 'resolved' THEN
        v_text := CASE alert.outcome WHEN 'healed' THEN asymm._synced_text(alert)
                                     WHEN 'adopted' THEN format('%s: what it is now is what it should be (adopted after %s)', v_about, v_lasted)
                                     WHEN 'vanished' THEN format('%s is as declared again, after %s', v_about, v_lasted)
                                     WHEN 'over' THEN format('Over after %s: %s: %s', v_lasted, v_about, alert.seen)
                                     ELSE format('%s: %s (after %s)', v_about, COALESCE(alert.outcome, 'over'), v_lasted) END;
    ELSE
        v_text := CASE what WHEN 'raised' THEN format('Now %s: ', alert.severity) WHEN 'escalated' THEN format('Nobody answered for %s: ', v_lasted)
                            ELSE '' END
               || CASE WHEN alert.source = 'drift' THEN asymm._drift_text(alert) ELSE format('%s: %s', v_about, alert.seen) END;
    END IF;
    RETURN left(regexp_replace(v_text, '[[:cntrl:]]+', ' ', 'g'), 1000);
END
$$;
COMMENT ON FUNCTION asymm._alert_text(asymm.alert, text) IS 'What is said of an alert that was opened, raised, escalated or resolved; one line.';

CREATE OR REPLACE FUNCTION asymm._alert_item(alert asymm.alert, what text) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jsonb_strip_nulls(jsonb_build_object(
        'id', alert.id, 'rule', alert.rule, 'source', alert.source, 'about', alert.about, 'severity', alert.severity, 'seen', left(alert.seen, 1000),
        'text', asymm._alert_text(alert, what), 'opened_at', alert.opened_at, 'closed_at', alert.closed_at, 'outcome', alert.outcome));
END
$$;
COMMENT ON FUNCTION asymm._alert_item(asymm.alert, text) IS 'An alert as it is sent.';

CREATE OR REPLACE FUNCTION asymm._alert_payload(leader asymm.alert_message) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_items jsonb;
    v_text text;
    v_n integer;
BEGIN
    IF leader.what = 'test' THEN
        v_items := '[]';
        v_text := format('This is a test of "%s".', leader.destination);
    ELSE
        SELECT COALESCE(jsonb_agg(asymm._alert_item(a, leader.what) ORDER BY asymm._severity_rank(a.severity) DESC, a.id), '[]') INTO v_items
          FROM asymm.alert_message AS m JOIN asymm.alert AS a ON a.id = m.alert_id
         WHERE m.id = leader.id OR m.leader_id = leader.id;
        v_n := jsonb_array_length(v_items);
        SELECT string_agg(i.item ->> 'text', E'\n' ORDER BY i.n) INTO v_text
          FROM jsonb_array_elements(v_items) WITH ORDINALITY AS i (item, n) WHERE i.n <= 5;
        IF v_n > 5 THEN
            v_text := format(E'%s\n… and %s more: SELECT * FROM asymm.alerts', v_text, v_n - 5);
        END IF;
    END IF;
    RETURN jsonb_build_object(
        'version', 1, 'key', leader.key, 'what', leader.what, 'database', current_database(), 'text', v_text, 'alerts', v_items,
        'title', left(regexp_replace(format('[%s] %s', current_database(), CASE WHEN leader.what = 'test' THEN 'test'
            WHEN v_n = 1 THEN concat_ws(' ', leader.what, v_items #>> '{0,severity}', v_items #>> '{0,about}')
            ELSE format('%s %s alerts', v_n, leader.what) END), '[[:cntrl:]]+', ' ', 'g'), 200));
END
$$;
COMMENT ON FUNCTION asymm._alert_payload(asymm.alert_message) IS 'What goes out with a message and those that follow it: key, text, title, and each alert.';
