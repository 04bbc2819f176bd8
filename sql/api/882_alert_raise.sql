-- What becomes an alert, and when it is over. Called by triggers of our own tables of findings and drift, in the transaction in which
-- these are written: a message is in the outbox if and only if what it tells of was committed. Nobody is notified: senders ask.

CREATE OR REPLACE FUNCTION asymm._severity_rank(severity text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT array_position('{info,warning,critical}'::text[], severity) $$;
COMMENT ON FUNCTION asymm._severity_rank(text) IS 'How bad: 1 info, 2 warning, 3 critical.';

-- In the rule's own time zone, so that it is right when clocks are changed.
CREATE OR REPLACE FUNCTION asymm._alert_due(rule asymm.alert_rule, severity text, at timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_local constant timestamp := at AT TIME ZONE rule.time_zone;
    v_from time;
    v_until time;
    v_end timestamp;
BEGIN
    IF rule.quiet_hours = '' OR severity = 'critical' THEN
        RETURN at;
    END IF;
    v_from := split_part(rule.quiet_hours, '-', 1)::time;
    v_until := split_part(rule.quiet_hours, '-', 2)::time;
    IF v_from < v_until AND v_local::time >= v_from AND v_local::time < v_until OR v_from > v_until AND v_local::time < v_until THEN
        v_end := v_local::date + v_until;
    ELSIF v_from > v_until AND v_local::time >= v_from THEN
        v_end := v_local::date + 1 + v_until;
    ELSE
        RETURN at;
    END IF;
    RETURN GREATEST(at, v_end AT TIME ZONE rule.time_zone);
END
$$;
COMMENT ON FUNCTION asymm._alert_due(asymm.alert_rule, text, timestamptz) IS 'When something may be told: at that time, or when the quiet hours of the rule are over.';

-- More than 10,000 that wait for one destination help nobody: the alert is there all the same.
CREATE OR REPLACE FUNCTION asymm._queue_alert(alert bigint, destinations text[], what text, due_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO asymm.alert_message (alert_id, destination, recipient, what, due_at)
    SELECT alert, d.name, r.recipient, _queue_alert.what, _queue_alert.due_at
      FROM asymm.alert_destination AS d LEFT JOIN LATERAL unnest(d.recipients) AS r (recipient) ON true
     WHERE d.name = ANY (destinations)
       AND (SELECT count(*) FROM (SELECT FROM asymm.alert_message AS m WHERE m.destination = d.name AND m.state = 'waiting' LIMIT 10000) AS w) < 10000
     ORDER BY d.name, r.recipient;
END
$$;
COMMENT ON FUNCTION asymm._queue_alert(bigint, text[], text, timestamptz) IS 'Puts a message for each recipient of some destinations into the outbox.';

CREATE OR REPLACE FUNCTION asymm._open_alert(rule asymm.alert_rule, seen asymm.alert) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now constant timestamptz := clock_timestamp();
    v_due constant timestamptz := asymm._alert_due(rule, seen.severity, v_now + rule.wait);
    v_id bigint;
    v_severity text;
BEGIN
    SELECT a.id, a.severity INTO v_id, v_severity
      FROM asymm.alert AS a WHERE (a.rule, a.source, a.key) = (rule.name, seen.source, seen.key) AND a.closed_at IS NULL FOR UPDATE;
    IF v_id IS NULL THEN
        -- Nobody was told yet that it is over: then it goes on.
        SELECT a.id, a.severity INTO v_id, v_severity
          FROM asymm.alert AS a
         WHERE (a.rule, a.source, a.key) = (rule.name, seen.source, seen.key) AND a.closed_at > v_now - interval '1 day'
           AND EXISTS (SELECT FROM asymm.alert_message AS m WHERE m.alert_id = a.id AND m.what = 'resolved' AND m.state = 'waiting')
           AND NOT EXISTS (SELECT FROM asymm.alert_message AS m
                            WHERE m.alert_id = a.id AND m.what = 'resolved' AND (m.tries > 0 OR m.leader_id IS NOT NULL))
         ORDER BY a.id DESC LIMIT 1 FOR UPDATE;
        IF v_id IS NOT NULL THEN
            DELETE FROM asymm.alert_message AS m WHERE m.alert_id = v_id AND m.what = 'resolved';
            UPDATE asymm.alert_message AS m SET state = 'waiting', ended_at = NULL, due_at = v_due
             WHERE m.alert_id = v_id AND m.what = 'opened' AND m.state = 'skipped';
            UPDATE asymm.alert AS a SET closed_at = NULL, outcome = NULL WHERE a.id = v_id;
        END IF;
    END IF;
    IF v_id IS NULL THEN
        INSERT INTO asymm.alert AS a (rule, source, key, about, severity, seen, object_kind, schema_name, object_name, finding_id, escalate_at)
        VALUES (rule.name, seen.source, seen.key, seen.about, seen.severity, seen.seen, seen.object_kind, seen.schema_name, seen.object_name,
                seen.finding_id, v_due + rule.escalate_after)
        ON CONFLICT DO NOTHING
        RETURNING a.id INTO v_id;
        IF v_id IS NOT NULL THEN
            PERFORM asymm._queue_alert(v_id, rule.destinations, 'opened', v_due);
        END IF;
        RETURN;
    END IF;
    UPDATE asymm.alert AS a SET severity = seen.severity, seen = _open_alert.seen.seen WHERE a.id = v_id;
    IF asymm._severity_rank(seen.severity) > asymm._severity_rank(v_severity) THEN
        -- What is critical does not wait for the morning.
        UPDATE asymm.alert_message AS m SET due_at = LEAST(m.due_at, v_due)
         WHERE m.alert_id = v_id AND m.what = 'opened' AND m.state = 'waiting' AND m.tries = 0;
        IF NOT FOUND THEN
            PERFORM asymm._queue_alert(v_id, rule.destinations, 'raised', v_due);
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._open_alert(asymm.alert_rule, asymm.alert) IS 'Opens an alert of a rule unless it is open; a worse one is told again.';

-- An Alertmanager goes on ringing unless it is told, whatever the rule says.
CREATE OR REPLACE FUNCTION asymm._close_alerts(ids bigint[], outcome text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now constant timestamptz := clock_timestamp();
BEGIN
    WITH closed AS (
        UPDATE asymm.alert AS a SET closed_at = v_now, outcome = _close_alerts.outcome
         WHERE a.id = ANY (ids) AND a.closed_at IS NULL
        RETURNING a.id, a.rule, a.severity)
    INSERT INTO asymm.alert_message (alert_id, destination, recipient, what, due_at)
    SELECT c.id, m.destination, m.recipient, 'resolved',
           asymm._alert_due(r, c.severity, v_now + CASE WHEN outcome = 'healed' THEN interval '0' ELSE r.wait END)
      FROM closed AS c
      JOIN asymm.alert_rule AS r ON r.name = c.rule
     CROSS JOIN LATERAL (SELECT DISTINCT m.destination, m.recipient FROM asymm.alert_message AS m
                          WHERE m.alert_id = c.id AND m.what <> 'resolved') AS m
      JOIN asymm.alert_destination AS d ON d.name = m.destination
     WHERE r.resolved OR d.kind = 'alertmanager'
     ORDER BY c.id, m.destination, m.recipient;
END
$$;
COMMENT ON FUNCTION asymm._close_alerts(bigint[], text) IS 'Ends alerts and puts into the outbox that they are over, for whom they were told.';

CREATE OR REPLACE FUNCTION asymm._alert_name(node text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN node LIKE 'entity:%' THEN substr(node, 8) WHEN node ~ '^[a-z]+:' THEN regexp_replace(node, ':', ' ') ELSE node END $$;
COMMENT ON FUNCTION asymm._alert_name(text) IS 'A node as people read it: public.orders, query 17.';

CREATE OR REPLACE FUNCTION asymm._alert_on_findings(ids bigint[], rules text[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
BEGIN
    PERFORM asymm._close_alerts(ARRAY(
        SELECT a.id FROM asymm.finding AS f JOIN asymm.alert AS a ON a.source = f.sonar AND a.key = f.key AND a.closed_at IS NULL
         WHERE f.id = ANY ($1) AND f.closed_at IS NOT NULL ORDER BY a.id), 'over');
    FOR v IN
        SELECT r AS rule, f.id, f.sonar, f.key, asymm._alert_name(f.node) AS about, f.severity, f.seen
          FROM asymm.finding AS f JOIN asymm.alert_rule AS r ON $2 IS NULL OR r.name = ANY ($2)
         WHERE f.id = ANY ($1) AND f.closed_at IS NULL AND (r.sources IS NULL OR f.sonar = ANY (r.sources))
           AND asymm._severity_rank(f.severity) >= asymm._severity_rank(r.severity)
           AND (r.kinds IS NULL OR substring(f.node FROM '^[a-z]+') = ANY (r.kinds))
           AND asymm._pattern_fits(r.pattern, asymm._alert_name(f.node))
         ORDER BY r.name, f.id
    LOOP
        PERFORM asymm._open_alert(v.rule, ROW(NULL, (v.rule).name, v.sonar, v.key, v.about, v.severity, v.seen, NULL, NULL, NULL, v.id,
                                              NULL, NULL, NULL, NULL, NULL, NULL, NULL)::asymm.alert);
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._alert_on_findings(bigint[], text[]) IS 'Opens and ends alerts for findings that were opened, closed or judged anew; for all rules or some.';

-- An object that drifts is one alert, however many differences there are. A whole object that is gone is critical.
CREATE OR REPLACE FUNCTION asymm._alert_on_drift(objects jsonb, rules text[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    o record;
    v record;
    v_about text;
    v_open record;
    v_ids bigint[];
    v_outcome text;
BEGIN
    FOR o IN SELECT DISTINCT x.kind, x.schema, x.name FROM jsonb_to_recordset($1) AS x (kind text, schema text, name text) ORDER BY 1, 2, 3 LOOP
        SELECT count(*) AS n, bool_or(d.part = d.kind AND d.name = '' AND d.attribute IS NULL AND d.actual IS NULL) AS gone,
               min(asymm._drift_words(d)) AS seen INTO v_open
          FROM asymm.drift_record AS d
         WHERE d.state = 'open' AND (d.kind, d.schema_name, d.object_name) = (o.kind, o.schema, o.name);
        v_about := asymm._object_display(o.kind, o.schema, o.name);
        IF v_open.n = 0 THEN
            v_ids := ARRAY(SELECT a.id FROM asymm.alert AS a
                            WHERE a.source = 'drift' AND a.closed_at IS NULL
                              AND (a.object_kind, a.schema_name, a.object_name) = (o.kind, o.schema, o.name)
                            ORDER BY a.id);
            CONTINUE WHEN v_ids = '{}';
            SELECT d.state INTO v_outcome FROM asymm.drift_record AS d
             WHERE (d.kind, d.schema_name, d.object_name) = (o.kind, o.schema, o.name) AND d.state <> 'superseded'
               AND d.resolved_at >= (SELECT min(a.opened_at) FROM asymm.alert AS a WHERE a.id = ANY (v_ids))
             ORDER BY d.state = 'healed' DESC, d.resolved_at DESC LIMIT 1;
            PERFORM asymm._close_alerts(v_ids, COALESCE(v_outcome, 'unwatched'));
            CONTINUE;
        END IF;
        FOR v IN
            SELECT r AS rule, CASE WHEN v_open.gone THEN 'critical' ELSE 'warning' END AS severity
              FROM asymm.alert_rule AS r
             WHERE ($2 IS NULL OR r.name = ANY ($2)) AND (r.sources IS NULL OR 'drift' = ANY (r.sources))
               AND asymm._severity_rank(CASE WHEN v_open.gone THEN 'critical' ELSE 'warning' END) >= asymm._severity_rank(r.severity)
               AND (r.kinds IS NULL OR o.kind = ANY (r.kinds)) AND asymm._pattern_fits(r.pattern, v_about)
             ORDER BY r.name
        LOOP
            PERFORM asymm._open_alert(v.rule, ROW(
                NULL, (v.rule).name, 'drift', CASE WHEN length(v_about) > 500 THEN left(v_about, 400) || md5(v_about) ELSE v_about END, v_about,
                v.severity, v_open.seen || CASE WHEN v_open.n > 1 THEN format(' and %s more', v_open.n - 1) ELSE '' END,
                o.kind, o.schema, o.name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::asymm.alert);
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._alert_on_drift(jsonb, text[]) IS 'Opens and ends alerts for objects [{kind, schema, name}] whose drift changed; for all rules or some.';
