-- What keeps the outbox small and alerts true, and what the doctor says of them.

-- A rule that came while something was found, a trigger that was off: what is open and what is an alert are compared.
CREATE OR REPLACE FUNCTION asymm._reconcile_alerts() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.alert_rule) THEN
        RETURN;
    END IF;
    PERFORM asymm._alert_on_findings(ARRAY(
        SELECT f.id FROM asymm.finding AS f
         WHERE f.closed_at IS NULL AND NOT EXISTS (SELECT FROM asymm.alert AS a WHERE a.closed_at IS NULL AND a.source = f.sonar AND a.key = f.key)
         ORDER BY f.id));
    PERFORM asymm._close_alerts(ARRAY(
        SELECT a.id FROM asymm.alert AS a
         WHERE a.closed_at IS NULL AND a.source <> 'drift'
           AND NOT EXISTS (SELECT FROM asymm.finding AS f WHERE f.closed_at IS NULL AND f.sonar = a.source AND f.key = a.key)
         ORDER BY a.id), 'over');
    PERFORM asymm._alert_on_drift(COALESCE((
        SELECT jsonb_agg(DISTINCT jsonb_build_object('kind', x.kind, 'schema', x.schema_name, 'name', x.object_name))
          FROM (SELECT d.kind, d.schema_name, d.object_name FROM asymm.drift_record AS d
                 WHERE d.state = 'open' AND NOT EXISTS (
                           SELECT FROM asymm.alert AS a WHERE a.closed_at IS NULL AND a.source = 'drift'
                              AND (a.object_kind, a.schema_name, a.object_name) = (d.kind, d.schema_name, d.object_name))
                UNION ALL
                SELECT a.object_kind, a.schema_name, a.object_name FROM asymm.alert AS a
                 WHERE a.closed_at IS NULL AND a.source = 'drift' AND NOT EXISTS (
                           SELECT FROM asymm.drift_record AS d
                            WHERE d.state = 'open' AND (d.kind, d.schema_name, d.object_name) = (a.object_kind, a.schema_name, a.object_name))) AS x),
        '[]'));
END
$$;
COMMENT ON FUNCTION asymm._reconcile_alerts() IS 'Opens and ends alerts that should be and are not, or are and should not be.';

CREATE OR REPLACE FUNCTION asymm._tend_alerts() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_since constant timestamptz := clock_timestamp() - (asymm._settings()).retention;
BEGIN
    PERFORM asymm._reconcile_alerts();
    -- Senders give up in time; where none runs, what nobody came for in twice that time is no news any more.
    UPDATE asymm.alert_message AS m SET state = 'dead', error = 'given up: nobody came to send it', ended_at = clock_timestamp()
     WHERE m.id IN (SELECT w.id FROM asymm.alert_message AS w LEFT JOIN asymm.alert_destination AS d ON d.name = w.destination
                     WHERE w.state = 'waiting' AND w.due_at < clock_timestamp() - COALESCE(2 * d.give_up_after, '0') LIMIT 10000);
    DELETE FROM asymm.alert_message AS m
     WHERE m.id IN (SELECT o.id FROM asymm.alert_message AS o WHERE o.state <> 'waiting' AND o.ended_at < v_since
                       AND NOT EXISTS (SELECT FROM asymm.alert AS a WHERE a.id = o.alert_id AND a.closed_at IS NULL) LIMIT 10000);
    DELETE FROM asymm.alert AS a
     WHERE a.id IN (SELECT o.id FROM asymm.alert AS o WHERE o.closed_at < v_since
                       AND NOT EXISTS (SELECT FROM asymm.alert_message AS m WHERE m.alert_id = o.id) LIMIT 10000);
END
$$;
COMMENT ON FUNCTION asymm._tend_alerts() IS 'Keeps alerts in step with what is open, gives up what nobody sends, removes what ended longer ago than the retention.';

CREATE OR REPLACE FUNCTION asymm._alert_figures()
RETURNS TABLE (destination text, kind text, failures_in_row integer, error text, last_sent_at timestamptz, waiting bigint, overdue bigint,
               dead bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT d.name, d.kind, COALESCE(s.failures_in_row, 0), s.error, s.last_sent_at, m.waiting, m.overdue,
               (SELECT count(*) FROM asymm.alert_message AS m WHERE m.destination = d.name AND m.state = 'dead')
          FROM asymm.alert_destination AS d LEFT JOIN asymm.alert_destination_state AS s ON s.destination = d.name
         CROSS JOIN LATERAL (SELECT count(*) AS waiting, count(*) FILTER (WHERE m.due_at < clock_timestamp() - interval '1 min') AS overdue
                               FROM asymm.alert_message AS m WHERE m.destination = d.name AND m.state = 'waiting') AS m
         ORDER BY d.name;
END
$$;
COMMENT ON FUNCTION asymm._alert_figures() IS 'How each destination does: what waits, since when nobody came, dead letters.';

CREATE OR REPLACE FUNCTION asymm._doctor_alerts() RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_sender timestamptz;
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.alert_destination) THEN
        RETURN;
    END IF;
    SELECT s.seen_at INTO v_sender FROM asymm.alert_sender AS s;
    RETURN QUERY
        SELECT 'open alerts', CASE WHEN o.critical > 0 THEN 'warning' ELSE 'ok' END,
               format('%s, %s of them critical, %s acknowledged', o.n, o.critical, o.acknowledged),
               CASE WHEN o.critical > 0 THEN 'SELECT * FROM asymm.alerts WHERE closed_at IS NULL' END
          FROM (SELECT count(*) AS n, count(*) FILTER (WHERE a.severity = 'critical') AS critical, count(a.acknowledged_at) AS acknowledged
                  FROM asymm.alert AS a WHERE a.closed_at IS NULL) AS o;
    RETURN QUERY
        SELECT 'alerts sender', CASE WHEN s.alive THEN 'ok' WHEN f.overdue > 0 THEN 'error' ELSE 'warning' END,
               CASE WHEN v_sender IS NULL THEN 'none was ever seen' WHEN s.alive THEN 'asks for messages'
                    ELSE format('last seen %s ago', asymm._short_time(clock_timestamp() - v_sender)) END
               || CASE WHEN f.overdue > 0 THEN format('; %s messages wait', f.overdue) ELSE '' END,
               CASE WHEN NOT s.alive THEN 'start it: asymmetrica alerts run' END
          FROM (SELECT COALESCE(v_sender > clock_timestamp() - interval '1 min', false) AS alive) AS s,
               (SELECT sum(g.overdue) AS overdue FROM asymm._alert_figures() AS g) AS f;
    RETURN QUERY
        SELECT 'alerts to ' || f.destination,
               CASE WHEN f.failures_in_row > 2 THEN 'error'
                    WHEN f.failures_in_row > 0 OR f.dead > 0 OR f.waiting >= 10000 THEN 'warning' ELSE 'ok' END,
               CASE WHEN f.failures_in_row > 0 THEN format('failed %s times in a row: %s', f.failures_in_row, f.error)
                    WHEN f.last_sent_at IS NULL THEN 'nothing was sent yet' ELSE 'works' END
               || CASE WHEN f.waiting >= 10000 THEN '; the outbox is full, new messages are left out'
                       WHEN f.waiting > 0 THEN format('; %s wait', f.waiting) ELSE '' END
               || CASE WHEN f.dead > 0 THEN format('; %s dead letters', f.dead) ELSE '' END,
               CASE WHEN f.dead > 0
                    THEN format('SELECT asymm.resend(id), error FROM asymm.alert_outbox WHERE state = ''dead'' AND destination = %L',
                                f.destination)
                    WHEN f.failures_in_row > 0 THEN format('mend it, then SELECT asymm.test_alert(%L)', f.destination) END
          FROM asymm._alert_figures() AS f;
END
$$;
COMMENT ON FUNCTION asymm._doctor_alerts() IS 'Open alerts, whether a sender runs, destinations that fail, dead letters.';
