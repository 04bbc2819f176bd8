-- What a sender asks and says. It logs in as a member of asymm_sender, holds no transaction while it sends, and one of them sends to a
-- destination at a time: the lease. Who dies with a lease leaves the message to the next, with the same key.

CREATE OR REPLACE FUNCTION asymm._alert_backoff(tries integer) RETURNS interval
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT interval '1 s' * 2 ^ LEAST(GREATEST(tries, 1) - 1, 9) * (0.5 + random()) $$;
COMMENT ON FUNCTION asymm._alert_backoff(integer) IS 'How long to wait after so many failures: from 1 s to 8.5 min, doubled each time, with jitter.';

-- No lease, pause or message reaches further into the future than that: the clock was set back, and who waited for it would wait again.
CREATE OR REPLACE FUNCTION asymm._alert_may(at timestamptz, now timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT at <= now OR at > now + interval '61 min' $$;
COMMENT ON FUNCTION asymm._alert_may(timestamptz, timestamptz) IS 'Whether a lease or a pause until then is over, or was set by a clock that was set back since.';

CREATE OR REPLACE FUNCTION asymm._end_message(message bigint, state text, error text, status integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_n integer;
BEGIN
    UPDATE asymm.alert_message AS m
       SET state = _end_message.state, error = _end_message.error, status = _end_message.status, ended_at = clock_timestamp()
     WHERE (m.id = message OR m.leader_id = message) AND m.state = 'waiting';
    GET DIAGNOSTICS v_n = ROW_COUNT;
    RETURN v_n;
END
$$;
COMMENT ON FUNCTION asymm._end_message(bigint, text, text, integer) IS 'Ends a message and those that went out with it; returns how many.';

-- Every poll: alerts nobody answered. Every ten seconds: what was waiting for too long.
CREATE OR REPLACE FUNCTION asymm._sweep_alerts() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now constant timestamptz := clock_timestamp();
    v record;
BEGIN
    FOR v IN SELECT a.id, a.severity, r AS rule FROM asymm.alert AS a JOIN asymm.alert_rule AS r ON r.name = a.rule
              WHERE a.escalate_at <= v_now AND a.closed_at IS NULL ORDER BY a.id LIMIT 1000 FOR UPDATE OF a SKIP LOCKED LOOP
        UPDATE asymm.alert AS a SET escalate_at = NULL, escalated_at = v_now WHERE a.id = v.id;
        PERFORM asymm._queue_alert(v.id, (v.rule).escalate_to, 'escalated', asymm._alert_due(v.rule, v.severity, v_now));
    END LOOP;
    UPDATE asymm.alert_sender AS s SET login = session_user, seen_at = v_now
     WHERE s.seen_at IS NULL OR s.seen_at NOT BETWEEN v_now - interval '10 s' AND v_now;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    INSERT INTO asymm.alert_destination_state (destination)
    SELECT d.name FROM asymm.alert_destination AS d
     WHERE NOT EXISTS (SELECT FROM asymm.alert_destination_state AS s WHERE s.destination = d.name)
     ORDER BY d.name ON CONFLICT DO NOTHING;
    FOR v IN SELECT m.destination, array_agg(m.id) AS ids
               FROM asymm.alert_message AS m
               JOIN asymm.alert_destination AS d ON d.name = m.destination
               JOIN asymm.alert_destination_state AS s ON s.destination = m.destination
              WHERE m.state = 'waiting' AND m.leader_id IS NULL AND COALESCE(m.first_try_at, m.due_at) < v_now - d.give_up_after
                AND NOT (s.leased_until > v_now AND s.leased_message = m.id)
              GROUP BY m.destination ORDER BY m.destination LOOP
        UPDATE asymm.alert_destination_state AS s SET dead = s.dead + cardinality(v.ids) WHERE s.destination = v.destination;
        PERFORM asymm._end_message(m.id, 'dead', concat_ws(': ', 'given up', COALESCE(m.error, 'nobody came to send it')), m.status)
           FROM asymm.alert_message AS m WHERE m.id = ANY (v.ids);
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._sweep_alerts() IS 'Escalates what nobody answered and gives up what waited too long.';

-- Before anything is taken for a destination: what was over before it was sent is not sent, but a repair is news by itself.
CREATE OR REPLACE FUNCTION asymm._skip_alerts(destination text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE asymm.alert_message AS m SET state = 'skipped', ended_at = clock_timestamp()
      FROM asymm.alert AS a
     WHERE m.destination = $1 AND m.state = 'waiting' AND m.what IN ('opened', 'raised', 'escalated') AND m.tries = 0 AND m.leader_id IS NULL
       AND a.id = m.alert_id AND a.closed_at IS NOT NULL;
    UPDATE asymm.alert_message AS m SET state = 'skipped', ended_at = clock_timestamp()
      FROM asymm.alert AS a JOIN asymm.alert_destination AS d ON d.name = $1
     WHERE m.destination = $1 AND m.state = 'waiting' AND m.what = 'resolved' AND m.tries = 0 AND m.leader_id IS NULL
       AND m.due_at <= clock_timestamp() AND a.id = m.alert_id AND (a.outcome IS DISTINCT FROM 'healed' OR d.kind = 'alertmanager')
       AND NOT EXISTS (SELECT FROM asymm.alert_message AS e
                        WHERE e.alert_id = m.alert_id AND e.destination = m.destination AND e.recipient IS NOT DISTINCT FROM m.recipient
                          AND e.what <> 'resolved' AND e.state <> 'skipped');
END
$$;
COMMENT ON FUNCTION asymm._skip_alerts(text) IS 'Leaves out, for a destination, what was over before it was sent.';

-- The next message of a destination, with what is due at the same time; the open alert is told before that it is over.
CREATE OR REPLACE FUNCTION asymm._next_message(destination text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now constant timestamptz := clock_timestamp();
    v asymm.alert_message;
BEGIN
    PERFORM asymm._skip_alerts($1);
    SELECT m.* INTO v
      FROM asymm.alert_message AS m
     WHERE m.destination = $1 AND m.state = 'waiting' AND m.leader_id IS NULL AND (m.due_at <= v_now OR m.created_at > v_now + interval '1 min')
       AND NOT EXISTS (SELECT FROM asymm.alert_message AS e
                        WHERE e.alert_id = m.alert_id AND e.destination = m.destination AND e.recipient IS NOT DISTINCT FROM m.recipient
                          AND e.state = 'waiting' AND e.id < m.id)
     ORDER BY m.due_at, m.id LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF v.payload IS NULL AND v.what <> 'test' THEN
        UPDATE asymm.alert_message AS m SET leader_id = v.id
         WHERE m.id IN (SELECT f.id FROM asymm.alert_message AS f
                         WHERE f.destination = $1 AND f.state = 'waiting' AND f.leader_id IS NULL
                           AND (f.due_at <= v_now OR f.created_at > v_now + interval '1 min') AND f.id <> v.id
                           AND f.what = v.what AND f.recipient IS NOT DISTINCT FROM v.recipient AND f.payload IS NULL
                           AND NOT EXISTS (SELECT FROM asymm.alert_message AS e
                                            WHERE e.alert_id = f.alert_id AND e.destination = f.destination AND e.id < f.id AND e.state = 'waiting'
                                              AND e.recipient IS NOT DISTINCT FROM f.recipient)
                         ORDER BY f.due_at, f.id LIMIT 99);
    END IF;
    UPDATE asymm.alert_message AS m
       SET tries = m.tries + 1, first_try_at = COALESCE(m.first_try_at, v_now), payload = COALESCE(m.payload, asymm._alert_payload(m))
     WHERE m.id = v.id;
    RETURN v.id;
END
$$;
COMMENT ON FUNCTION asymm._next_message(text) IS 'Puts the next message of a destination together, and counts the try; NULL when nothing is due.';

CREATE OR REPLACE FUNCTION asymm._alert_claim(lease interval DEFAULT '1 min')
RETURNS TABLE (message bigint, token uuid, destination text, kind text, url text, secret text, sender text, recipient text, template text,
               language text, tries integer, payload jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_displaced constant text := asymm._displaced();
    v_token constant uuid := gen_random_uuid();
    v_looked text[] := '{}';
    v_destination text;
    v_message bigint;
    v_now timestamptz;
BEGIN
    IF v_displaced IS NOT NULL THEN
        RAISE EXCEPTION 'no alerts are sent from here'
            USING ERRCODE = 'SY004', DETAIL = format('In this database %s.', v_displaced),
                  HINT = 'If they are to be sent from now on: SELECT * FROM asymm.resume(); then start the sender again.';
    ELSIF COALESCE($1 NOT BETWEEN '1 s' AND '1 hour', true) THEN
        RAISE EXCEPTION 'lease % is out of range', $1
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A lease lasts 1 s to 1 hour.', HINT = 'A minute is right for most.';
    END IF;
    PERFORM asymm._sweep_alerts();
    -- The row of a destination is the lock: whoever waits for nobody takes another one.
    LOOP
        v_now := clock_timestamp();
        SELECT s.destination INTO v_destination
          FROM asymm.alert_destination_state AS s
         WHERE asymm._alert_may(s.leased_until, v_now) AND asymm._alert_may(s.next_try_at, v_now) AND s.destination <> ALL (v_looked)
           AND EXISTS (SELECT FROM asymm.alert_message AS m WHERE m.destination = s.destination AND m.state = 'waiting'
                           AND (m.due_at <= v_now OR m.created_at > v_now + interval '1 min'))
         ORDER BY (SELECT min(m.due_at) FROM asymm.alert_message AS m WHERE m.destination = s.destination AND m.state = 'waiting')
         LIMIT 1 FOR UPDATE OF s SKIP LOCKED;
        EXIT WHEN NOT FOUND;
        v_message := asymm._next_message(v_destination);
        EXIT WHEN v_message IS NOT NULL;
        v_looked := v_looked || v_destination;
    END LOOP;
    IF v_message IS NULL THEN
        SELECT s.destination INTO v_destination
          FROM asymm.alert_destination_state AS s JOIN asymm.alert_destination AS d ON d.name = s.destination AND d.kind = 'alertmanager'
         WHERE asymm._alert_may(s.leased_until, v_now) AND asymm._alert_may(s.next_try_at, v_now) AND s.refreshed_at <= v_now - interval '1 min'
           AND EXISTS (SELECT FROM asymm.alert_message AS m JOIN asymm.alert AS a ON a.id = m.alert_id AND a.closed_at IS NULL
                        WHERE m.destination = s.destination AND m.state = 'sent')
         LIMIT 1 FOR UPDATE OF s SKIP LOCKED;
        IF NOT FOUND THEN
            RETURN;
        END IF;
    END IF;
    UPDATE asymm.alert_destination_state AS s SET lease = v_token, leased_until = v_now + $1, leased_message = v_message
     WHERE s.destination = v_destination;
    RETURN QUERY
        SELECT m.id, v_token, d.name, d.kind, d.url, d.secret, d.sender, m.recipient, d.template, d.language, COALESCE(m.tries, 1),
               COALESCE(m.payload, jsonb_build_object('version', 1, 'key', v_token, 'what', 'refresh', 'database', current_database(), 'alerts', (
                   SELECT COALESCE(jsonb_agg(asymm._alert_item(a, 'opened') ORDER BY a.id), '[]') FROM asymm.alert AS a
                    WHERE a.id IN (SELECT o.alert_id FROM asymm.alert_message AS o JOIN asymm.alert AS n ON n.id = o.alert_id AND n.closed_at IS NULL
                                    WHERE o.destination = v_destination AND o.state = 'sent' ORDER BY o.alert_id LIMIT 5000))))
          FROM asymm.alert_destination AS d LEFT JOIN asymm.alert_message AS m ON m.id = v_message
         WHERE d.name = v_destination;
END
$$;
COMMENT ON FUNCTION asymm._alert_claim(interval)
    IS 'For senders: the next message with its destination, leased for so long to who gives the token back; none: nothing is due. Without a number it is what an Alertmanager is told again. Raises SY004 in a restored or cloned database.';

CREATE OR REPLACE FUNCTION asymm._alert_sent(destination text, token uuid, status integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_message bigint;
    v_now constant timestamptz := clock_timestamp();
BEGIN
    SELECT s.leased_message INTO v_message FROM asymm.alert_destination_state AS s WHERE s.destination = $1 AND s.lease = $2 FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF v_message IS NOT NULL THEN
        PERFORM asymm._end_message(v_message, 'sent', NULL, $3);
    END IF;
    UPDATE asymm.alert_destination_state AS s
       SET lease = NULL, leased_until = '-infinity', leased_message = NULL, next_try_at = '-infinity', failures_in_row = 0, error = NULL,
           status = $3, last_sent_at = v_now, sent = s.sent + (v_message IS NOT NULL)::integer,
           refreshed_at = CASE WHEN v_message IS NULL THEN v_now ELSE s.refreshed_at END
     WHERE s.destination = $1;
    RETURN true;
END
$$;
COMMENT ON FUNCTION asymm._alert_sent(text, uuid, integer) IS 'For senders: what was leased has arrived. False when the lease is another''s by now.';

CREATE OR REPLACE FUNCTION asymm._alert_failed(
    destination text, token uuid, error text, status integer DEFAULT NULL, hopeless boolean DEFAULT false, retry_after double precision DEFAULT 0)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now constant timestamptz := clock_timestamp();
    v_error constant text := left(regexp_replace(COALESCE($3, 'failed'), '[[:cntrl:]]+', ' ', 'g'), 300);
    v_after constant interval := LEAST(GREATEST(COALESCE($6, 0), 0), 3600) * interval '1 s';
    v_message bigint;
    v_failures integer;
    v_dead boolean;
BEGIN
    SELECT s.leased_message, s.failures_in_row + 1 INTO v_message, v_failures
      FROM asymm.alert_destination_state AS s WHERE s.destination = $1 AND s.lease = $2 FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'lost';
    END IF;
    SELECT $5 OR m.first_try_at < v_now - d.give_up_after INTO v_dead
      FROM asymm.alert_message AS m JOIN asymm.alert_destination AS d ON d.name = m.destination WHERE m.id = v_message;
    IF v_dead THEN
        PERFORM asymm._end_message(v_message, 'dead', v_error, $4);
    ELSE
        UPDATE asymm.alert_message AS m SET error = v_error, status = $4, due_at = v_now + GREATEST(v_after, asymm._alert_backoff(m.tries))
         WHERE m.id = v_message;
    END IF;
    -- What can never arrive says nothing about the next message.
    UPDATE asymm.alert_destination_state AS s
       SET lease = NULL, leased_until = '-infinity', leased_message = NULL, failed = s.failed + 1, dead = s.dead + COALESCE(v_dead, false)::integer,
           failures_in_row = CASE WHEN $5 THEN s.failures_in_row ELSE v_failures END, error = v_error, status = $4, last_failed_at = v_now,
           next_try_at = CASE WHEN $5 THEN s.next_try_at ELSE v_now + GREATEST(v_after, asymm._alert_backoff(v_failures)) END
     WHERE s.destination = $1;
    RETURN CASE WHEN v_dead THEN 'dead' ELSE 'waiting' END;
END
$$;
COMMENT ON FUNCTION asymm._alert_failed(text, uuid, text, integer, boolean, double precision)
    IS 'For senders: what was leased did not arrive, and whether trying again is hopeless. Returns what became of it: waiting, dead, or lost (the lease is another''s).';
