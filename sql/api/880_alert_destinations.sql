-- Where alerts go. Who may say so can make the sender's machine call an address: operators only, and no secret comes here. What is
-- sent as a password stands with its address in the sender's environment, so that nobody can have it sent elsewhere.

-- How a destination does, and what waits for it.
CREATE OR REPLACE VIEW asymm.alert_destinations AS
    SELECT d.name, d.kind, d.url, d.secret, d.sender, d.recipients, d.template, d.language, d.give_up_after, d.set_by, d.set_at,
           CASE WHEN s.failures_in_row > 0 THEN 'failing' WHEN s.last_sent_at IS NOT NULL THEN 'ok' ELSE 'not used yet' END AS state,
           COALESCE(s.failures_in_row, 0) AS failures_in_row, s.error, s.status, COALESCE(s.sent, 0) AS sent, COALESCE(s.failed, 0) AS failed,
           COALESCE(s.dead, 0) AS dead,
           (SELECT count(*) FROM asymm.alert_message AS m WHERE m.destination = d.name AND m.state = 'waiting') AS waiting,
           s.last_sent_at, s.last_failed_at, NULLIF(s.next_try_at, '-infinity') AS next_try_at
      FROM asymm.alert_destination AS d LEFT JOIN asymm.alert_destination_state AS s ON s.destination = d.name;
COMMENT ON VIEW asymm.alert_destinations IS 'Where alerts go: kind, address, name of the secret, whether it works, and what waits.';

CREATE OR REPLACE FUNCTION asymm._require_alert_name(value text, argument text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF asymm._require_text(value, argument) !~ '^[a-z][a-z0-9_-]{0,62}$' THEN
        RAISE EXCEPTION '"%" is no name of a rule or destination of alerts', left(value, 100)
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A small letter; then small letters, digits, _ and -, 63 at most.',
                  HINT = 'For example on-call, or dba_mail.';
    END IF;
    RETURN value;
END
$$;
COMMENT ON FUNCTION asymm._require_alert_name(text, text) IS 'Returns a name of a rule or destination; raises 22004 or 22023.';

CREATE OR REPLACE FUNCTION asymm._destination_fault(d asymm.alert_destination, OUT what text, OUT remedy text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_by_variable constant boolean := COALESCE(d.url LIKE 'env:%', false);
    v_schemes constant text := CASE d.kind WHEN 'email' THEN 'smtps?' ELSE 'https?' END;
BEGIN
    SELECT f.what, f.remedy INTO what, remedy
      FROM (VALUES
        (d.kind NOT IN ('webhook', 'whatsapp', 'alertmanager', 'email'), format('kind "%s" does not exist', d.kind),
         'Kinds are webhook, whatsapp, alertmanager and email.'),
        (d.kind = 'whatsapp' AND d.url IS NOT NULL, 'WhatsApp has one address', 'Leave url out: the token must go nowhere else.'),
        (d.kind <> 'whatsapp' AND d.url IS NULL, 'it has no url',
         CASE d.kind WHEN 'email' THEN 'url => ''smtp://mail.example.org'', or ''env:ASYMMETRICA_ALERT_SMTP'' if it needs a password.'
                     ELSE 'url => ''https://…'', or ''env:ASYMMETRICA_ALERT_…'' if the address itself is a secret.' END),
        (v_by_variable AND d.url !~ '^env:ASYMMETRICA_ALERT_[A-Z0-9_]{1,45}$', 'senders tell of no other variables',
         'url => ''env:ASYMMETRICA_ALERT_…'', capital letters, digits and _.'),
        -- The server's own words are not repeated here: they may hold what somebody took for a place of secrets.
        (NOT v_by_variable AND d.url ~ '^[^/]*//[^/]*@', 'a url in the database holds no user and no password',
         'url => ''env:ASYMMETRICA_ALERT_…'' and put all of it into that variable of the sender''s environment.'),
        (NOT v_by_variable AND (d.url !~ ('^' || v_schemes || '://[][A-Za-z0-9._:-]+(/[!-~]*)?$') OR length(d.url) > 2000),
         format('its url is no %s', CASE d.kind WHEN 'email' THEN 'smtp:// or smtps://' ELSE 'https:// or http://' END),
         'Printable letters without blanks, 2,000 at most; a query (?…) behind a path.'),
        (d.secret !~ '^ASYMMETRICA_ALERT_[A-Z0-9_]{1,45}$', 'senders tell of no other variables',
         'secret => ''ASYMMETRICA_ALERT_…'': the name of a variable, never what is in it.'),
        (d.kind IN ('webhook', 'whatsapp') AND d.secret IS NULL, 'it has no secret',
         CASE d.kind WHEN 'webhook' THEN 'secret => ''ASYMMETRICA_ALERT_…'', whose value signs each body.'
                     ELSE 'secret => ''ASYMMETRICA_ALERT_…'', whose value is the access token.' END),
        (d.kind IN ('alertmanager', 'email') AND d.secret IS NOT NULL, format('kind %s takes no secret', d.kind),
         'url => ''env:ASYMMETRICA_ALERT_…'' with user and password in the address there.'),
        (d.kind IN ('whatsapp', 'email') AND d.sender IS NULL, 'it has no sender',
         CASE d.kind WHEN 'email' THEN 'sender => ''db@example.org''.' ELSE 'sender => the id of the phone number at WhatsApp.' END),
        (d.kind IN ('webhook', 'alertmanager') AND (d.sender IS NOT NULL OR cardinality(d.recipients) > 0),
         format('kind %s has no sender and no recipients', d.kind), 'Leave them out.'),
        (d.kind IN ('whatsapp', 'email') AND cardinality(d.recipients) NOT BETWEEN 1 AND 50, 'it has no recipients, or more than 50',
         'recipients => ''{…}''.'),
        (EXISTS (SELECT FROM unnest(d.recipients || d.sender) AS r (address)
                  WHERE d.kind = 'email' AND COALESCE(r.address !~ '^[^\s@<>(),;:"\\[:cntrl:]]+@[^\s@<>(),;:"\\[:cntrl:]]+$', true)
                     OR length(r.address) > 254), 'not every address is one of mail', 'local@domain, nothing around it.'),
        (d.kind = 'whatsapp'
         AND EXISTS (SELECT FROM unnest(d.recipients) AS r (phone) WHERE COALESCE(r.phone !~ '^\+[1-9][0-9]{5,14}$', true)),
         'not every recipient is a phone number', 'As +4915112345678: + and 6 to 15 digits.'),
        (d.kind = 'whatsapp' AND d.sender !~ '^[0-9]{5,20}$', 'the sender is no id of a phone number', 'Digits, as WhatsApp Manager shows it.'),
        (d.template IS NOT NULL AND (d.kind <> 'whatsapp' OR d.template !~ '^[a-z0-9_]+$' OR length(d.template) > 512),
         'that is no template of WhatsApp',
         'Small letters, digits and _; with one place for text in its body.')) AS f (holds, what, remedy)
     WHERE f.holds LIMIT 1;
END
$$;
COMMENT ON FUNCTION asymm._destination_fault(asymm.alert_destination) IS 'Why something can be no destination, and what would be one; NULL: it can.';

CREATE OR REPLACE FUNCTION asymm._require_setter(thing text, name text, set_by name) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT asymm._may_act(set_by) THEN
        RAISE EXCEPTION 'permission denied for % "%"', thing, name
            USING ERRCODE = 'insufficient_privilege', DETAIL = format('It was set by "%s", of whom "%s" is not a member.', set_by, asymm._caller()),
                  HINT = 'Ask them or a superuser, or choose another name.';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_setter(text, text, name) IS 'Raises 42501 unless the caller may act for who set a rule or destination of alerts.';

CREATE OR REPLACE FUNCTION asymm.set_alert_destination(
    name text, kind text, url text DEFAULT NULL, secret text DEFAULT NULL, sender text DEFAULT NULL, recipients text[] DEFAULT '{}',
    template text DEFAULT NULL, language text DEFAULT 'en', give_up_after interval DEFAULT '1 day')
RETURNS SETOF asymm.alert_destinations
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_name constant text := asymm._require_alert_name($1, 'name');
    v_made constant asymm.alert_destination := ROW(v_name, asymm._require_text($2, 'kind'), $3, $4, $5, COALESCE($6, '{}'), $7,
                                                   COALESCE($8, 'en'), COALESCE($9, '1 day'), asymm._caller(), clock_timestamp());
    v_fault constant record := asymm._destination_fault(v_made);
    v_former name;
    v_constraint text;
BEGIN
    PERFORM asymm._require_session();
    IF v_fault.what IS NOT NULL THEN
        RAISE EXCEPTION 'alerts cannot go to "%"', v_name
            USING ERRCODE = 'invalid_parameter_value', DETAIL = v_fault.what || '.', HINT = v_fault.remedy;
    END IF;
    PERFORM asymm._record_place();
    SELECT d.set_by INTO v_former FROM asymm.alert_destination AS d WHERE d.name = v_name FOR UPDATE;
    IF FOUND THEN
        PERFORM asymm._require_setter('destination', v_name, v_former);
    END IF;
    INSERT INTO asymm.alert_destination AS d SELECT v_made.*
    ON CONFLICT ON CONSTRAINT alert_destination_pkey DO UPDATE
       SET kind = EXCLUDED.kind, url = EXCLUDED.url, secret = EXCLUDED.secret, sender = EXCLUDED.sender, recipients = EXCLUDED.recipients,
           template = EXCLUDED.template, language = EXCLUDED.language, give_up_after = EXCLUDED.give_up_after, set_at = EXCLUDED.set_at;
    PERFORM asymm._audit('set_alert_destination', v_name, jsonb_build_object('kind', $2));
    -- What failed may work now.
    UPDATE asymm.alert_destination_state AS s SET next_try_at = '-infinity' WHERE s.destination = v_name;
    RETURN QUERY SELECT v.* FROM asymm.alert_destinations AS v WHERE v.name = v_name;
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
    PERFORM asymm._refuse_setting('asymm.alert_destination', v_constraint);
END
$$;
COMMENT ON FUNCTION asymm.set_alert_destination(text, text, text, text, text, text[], text, text, interval)
    IS 'Says where alerts can go: kind webhook (url, secret), whatsapp (secret, sender, recipients, template), alertmanager (url) or email (url, sender, recipients); secret and url => ''env:…'' name variables ASYMMETRICA_ALERT_… of the sender''s environment. Raises 22004, 22023, 42501.';

CREATE OR REPLACE FUNCTION asymm._require_destinations(names text[]) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_missing text;
BEGIN
    SELECT string_agg(COALESCE('"' || n.name || '"', 'NULL'), ', ') INTO v_missing FROM unnest(names) AS n (name)
     WHERE NOT EXISTS (SELECT FROM asymm.alert_destination AS d WHERE d.name = n.name);
    IF v_missing IS NOT NULL THEN
        RAISE EXCEPTION 'destination % does not exist', v_missing
            USING ERRCODE = 'undefined_object',
                  DETAIL = format('There are: %s.', COALESCE((SELECT string_agg(d.name, ', ' ORDER BY d.name) FROM asymm.alert_destination AS d),
                                                             'none')),
                  HINT = 'SELECT * FROM asymm.set_alert_destination(…) makes one.';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_destinations(text[]) IS 'Raises 42704 for a destination of alerts that is not there.';

CREATE OR REPLACE FUNCTION asymm.drop_alert_destination(name text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_name constant text := asymm._require_alert_name($1, 'name');
    v_setter name;
    v_rules text;
BEGIN
    PERFORM asymm._require_session();
    SELECT d.set_by INTO v_setter FROM asymm.alert_destination AS d WHERE d.name = v_name FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM asymm._require_setter('destination', v_name, v_setter);
    SELECT string_agg(r.name, ', ' ORDER BY r.name) INTO v_rules
      FROM asymm.alert_rule AS r WHERE v_name = ANY (r.destinations || COALESCE(r.escalate_to, '{}'));
    IF v_rules IS NOT NULL THEN
        RAISE EXCEPTION 'destination "%" is used', v_name
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Rules that tell it: %s.', v_rules),
                  HINT = 'SELECT asymm.alert_off(…), or alert_on(…) with others.';
    END IF;
    UPDATE asymm.alert_message AS m SET state = 'skipped', error = 'its destination was dropped', ended_at = clock_timestamp()
     WHERE m.destination = v_name AND m.state = 'waiting';
    DELETE FROM asymm.alert_destination_state AS s WHERE s.destination = v_name;
    DELETE FROM asymm.alert_destination AS d WHERE d.name = v_name;
    PERFORM asymm._audit('drop_alert_destination', v_name, '{}');
    RETURN true;
END
$$;
COMMENT ON FUNCTION asymm.drop_alert_destination(text)
    IS 'Forgets a destination no rule uses, and what waits for it; false when there was none. Raises 22004, 22023, 42501.';

CREATE OR REPLACE FUNCTION asymm.test_alert(destination text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_name constant text := asymm._require_alert_name($1, 'destination');
    v_id bigint;
BEGIN
    PERFORM asymm._require_session();
    PERFORM asymm._require_destinations(ARRAY[v_name]);
    WITH made AS (
        INSERT INTO asymm.alert_message AS m (destination, recipient, what)
        SELECT d.name, r.recipient, 'test'
          FROM asymm.alert_destination AS d LEFT JOIN LATERAL unnest(d.recipients) AS r (recipient) ON true
         WHERE d.name = v_name
        RETURNING m.id)
    SELECT min(m.id) INTO v_id FROM made AS m;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION asymm.test_alert(text) IS 'Has a test message sent to a destination; asymm.alert_destinations shows what comes of it. Returns its number (the first, where several are told). Raises 22004, 22023, 42704.';
