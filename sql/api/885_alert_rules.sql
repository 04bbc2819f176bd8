-- Rules: which findings and drift are told to whom. Operators set them; what they can be about is what readers see.

CREATE OR REPLACE VIEW asymm.alert_rules AS
    SELECT r.name, r.destinations, r.severity, r.sources, r.kinds, r.pattern, r.wait, r.resolved, r.quiet_hours, r.time_zone, r.escalate_after,
           r.escalate_to, r.set_by, r.set_at,
           (SELECT count(*) FROM asymm.alert AS a WHERE a.rule = r.name AND a.closed_at IS NULL) AS open
      FROM asymm.alert_rule AS r;
COMMENT ON VIEW asymm.alert_rules IS 'What alert_on() set: what is told to whom, when, and how many alerts are open.';

CREATE OR REPLACE VIEW asymm.alerts AS
    SELECT a.id, a.rule, a.severity, a.source, a.about, a.seen, a.opened_at, a.acknowledged_at, a.acknowledged_by, a.escalated_at,
           a.closed_at, a.outcome, m.sent, m.waiting, m.dead
      FROM asymm.alert AS a
     CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE m.state = 'sent') AS sent, count(*) FILTER (WHERE m.state = 'waiting') AS waiting,
                                count(*) FILTER (WHERE m.state = 'dead') AS dead
                           FROM asymm.alert_message AS m WHERE m.alert_id = a.id) AS m;
COMMENT ON VIEW asymm.alerts IS 'Alerts, open (closed_at is NULL) or not: what is told by which rule, who has seen to it, and what became of the messages.';

CREATE OR REPLACE VIEW asymm.alert_outbox AS
    SELECT m.id, m.alert_id AS alert, m.destination, m.recipient, m.what, m.state, m.due_at, m.tries, l.payload ->> 'text' AS text, m.status, m.error,
           m.created_at, m.ended_at, l.key
      FROM asymm.alert_message AS m JOIN asymm.alert_message AS l ON l.id = COALESCE(m.leader_id, m.id);
COMMENT ON VIEW asymm.alert_outbox IS 'Messages that wait, were sent, are dead letters (asymm.resend()) or were over before; several may have gone out as one, with one key.';

CREATE OR REPLACE FUNCTION asymm._require_alert_rule(rule asymm.alert_rule) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_word text;
BEGIN
    SELECT w.word INTO v_word FROM unnest(rule.sources || rule.kinds) AS w (word)
     WHERE COALESCE(w.word !~ '^[a-z][a-z_ ]{0,62}$', true) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '"%" is no source and no kind', left(v_word, 100)
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'Sources are drift and the sonars; kinds are those of objects (table, view, …) or nodes (entity, query).',
                  HINT = 'SELECT DISTINCT sonar FROM asymm.finding_history; SELECT DISTINCT kind FROM asymm.watched;';
    END IF;
    IF rule.pattern IS NOT NULL THEN
        PERFORM asymm._require_rule('observe', rule.pattern, NULL, NULL, NULL);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_timezone_names AS z WHERE z.name = rule.time_zone) THEN
        RAISE EXCEPTION 'time zone "%" does not exist', left(rule.time_zone, 100)
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Zones have names, so that hours are right in summer and winter.',
                  HINT = 'time_zone => ''Europe/Berlin''; SELECT name FROM pg_timezone_names;';
    END IF;
    IF split_part(rule.quiet_hours, '-', 1) = split_part(rule.quiet_hours, '-', 2) AND rule.quiet_hours <> '' THEN
        RAISE EXCEPTION 'quiet hours "%" end when they begin', left(rule.quiet_hours, 100)
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Whether that is never or always is not said.',
                  HINT = 'quiet_hours => ''22:00-07:00''; for always: severity => ''critical''.';
    END IF;
    PERFORM asymm._require_destinations(rule.destinations || COALESCE(rule.escalate_to, '{}'));
END
$$;
COMMENT ON FUNCTION asymm._require_alert_rule(asymm.alert_rule) IS 'Raises 22023 or 42704 for what can be no rule of alerts.';

CREATE OR REPLACE FUNCTION asymm.alert_on(
    name text, destinations text[], severity text DEFAULT 'warning', sources text[] DEFAULT NULL, kinds text[] DEFAULT NULL,
    pattern text DEFAULT NULL, wait interval DEFAULT '2 s', resolved boolean DEFAULT true, quiet_hours text DEFAULT '',
    time_zone text DEFAULT 'UTC', escalate_after interval DEFAULT NULL, escalate_to text[] DEFAULT NULL)
RETURNS SETOF asymm.alert_rules
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_name constant text := asymm._require_alert_name($1, 'name');
    v_rule constant asymm.alert_rule := ROW(v_name, $2, COALESCE($3, 'warning'), $4, $5, $6, COALESCE($7, '2 s'), COALESCE($8, true),
                                            COALESCE($9, ''), COALESCE($10, 'UTC'), $11, $12, asymm._caller(), clock_timestamp());
    v_former name;
    v_constraint text;
BEGIN
    PERFORM asymm._require_session();
    PERFORM asymm._require_text($2::text, 'destinations');
    PERFORM asymm._require_alert_rule(v_rule);
    PERFORM asymm._record_place();
    -- One writer at a time. What is being found just now, unseen by either, is put right by housekeeping.
    LOCK TABLE asymm.alert_rule IN SHARE ROW EXCLUSIVE MODE;
    SELECT r.set_by INTO v_former FROM asymm.alert_rule AS r WHERE r.name = v_name;
    IF FOUND THEN
        PERFORM asymm._require_setter('rule', v_name, v_former);
    END IF;
    INSERT INTO asymm.alert_rule AS r SELECT v_rule.*
    ON CONFLICT ON CONSTRAINT alert_rule_pkey DO UPDATE
       SET destinations = EXCLUDED.destinations, severity = EXCLUDED.severity, sources = EXCLUDED.sources, kinds = EXCLUDED.kinds,
           pattern = EXCLUDED.pattern, wait = EXCLUDED.wait, resolved = EXCLUDED.resolved, quiet_hours = EXCLUDED.quiet_hours,
           time_zone = EXCLUDED.time_zone, escalate_after = EXCLUDED.escalate_after, escalate_to = EXCLUDED.escalate_to, set_at = EXCLUDED.set_at;
    PERFORM asymm._alert_on_findings(ARRAY(SELECT f.id FROM asymm.finding AS f WHERE f.closed_at IS NULL ORDER BY f.id), ARRAY[v_name]);
    PERFORM asymm._alert_on_drift(COALESCE((
        SELECT jsonb_agg(DISTINCT jsonb_build_object('kind', d.kind, 'schema', d.schema_name, 'name', d.object_name))
          FROM asymm.drift_record AS d WHERE d.state = 'open'), '[]'), ARRAY[v_name]);
    RETURN QUERY SELECT v.* FROM asymm.alert_rules AS v WHERE v.name = v_name;
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
    PERFORM asymm._refuse_setting('asymm.alert_rule', v_constraint);
END
$$;
COMMENT ON FUNCTION asymm.alert_on(text, text[], text, text[], text[], text, interval, boolean, text, text, interval, text[])
    IS 'Has findings and drift of at least this severity told to destinations: from some sources (drift, sonars), of some kinds, with names like a pattern; not in quiet_hours unless critical; to others too if nobody answers within escalate_after. What is open now counts. Raises 22004, 22023, 42501, 42704.';

CREATE OR REPLACE FUNCTION asymm.alert_off(name text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_name constant text := asymm._require_alert_name($1, 'name');
    v_setter name;
BEGIN
    PERFORM asymm._require_session();
    SELECT r.set_by INTO v_setter FROM asymm.alert_rule AS r WHERE r.name = v_name FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM asymm._require_setter('rule', v_name, v_setter);
    -- Whose bell rings is told that it may stop; the others asked for silence.
    PERFORM asymm._close_alerts(ARRAY(SELECT a.id FROM asymm.alert AS a WHERE a.rule = v_name AND a.closed_at IS NULL ORDER BY a.id), 'rule removed');
    UPDATE asymm.alert_message AS m SET state = 'skipped', error = 'its rule was removed', ended_at = clock_timestamp()
      FROM asymm.alert AS a JOIN asymm.alert_destination AS d ON true
     WHERE a.id = m.alert_id AND a.rule = v_name AND m.state = 'waiting' AND d.name = m.destination AND d.kind <> 'alertmanager';
    DELETE FROM asymm.alert_rule AS r WHERE r.name = v_name;
    RETURN true;
END
$$;
COMMENT ON FUNCTION asymm.alert_off(text) IS 'Takes a rule of alerts back, ends its alerts and forgets what waits; false when there was none. Raises 22004, 22023, 42501.';

CREATE OR REPLACE FUNCTION asymm.acknowledge(alert bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_state record;
BEGIN
    PERFORM asymm._require_session();
    PERFORM asymm._require_text(alert::text, 'alert');
    UPDATE asymm.alert AS a SET acknowledged_at = clock_timestamp(), acknowledged_by = asymm._caller(), escalate_at = NULL
     WHERE a.id = acknowledge.alert AND a.closed_at IS NULL AND a.acknowledged_at IS NULL;
    IF FOUND THEN
        RETURN true;
    END IF;
    SELECT a.id INTO v_state FROM asymm.alert AS a WHERE a.id = acknowledge.alert;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'alert % does not exist', alert
            USING ERRCODE = 'undefined_object', DETAIL = 'There was none of that number, or it is older than the retention.',
                  HINT = 'SELECT id, about, seen FROM asymm.alerts WHERE closed_at IS NULL;';
    END IF;
    RETURN false;
END
$$;
COMMENT ON FUNCTION asymm.acknowledge(bigint) IS 'Says that somebody sees to an alert: it is not escalated. False when it is over or acknowledged already. Raises 22004, 42704.';

CREATE OR REPLACE FUNCTION asymm.resend(message bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_leader bigint;
BEGIN
    PERFORM asymm._require_session();
    PERFORM asymm._require_text(message::text, 'message');
    SELECT COALESCE(m.leader_id, m.id) INTO v_leader FROM asymm.alert_message AS m WHERE m.id = message;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'message % does not exist', message
            USING ERRCODE = 'undefined_object', DETAIL = 'There was none of that number, or it is older than the retention.',
                  HINT = 'SELECT id, destination, error FROM asymm.alert_outbox WHERE state = ''dead'';';
    END IF;
    UPDATE asymm.alert_message AS m
       SET state = 'waiting', due_at = clock_timestamp(), tries = 0, first_try_at = NULL, ended_at = NULL, error = NULL, status = NULL
     WHERE (m.id = v_leader OR m.leader_id = v_leader) AND m.state = 'dead';
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION asymm.resend(bigint) IS 'Has a dead letter sent again, with those it went out with; false when it is none. Raises 22004, 42704.';
