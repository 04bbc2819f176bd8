-- What the extension itself keeps of values that are erased.

CREATE OR REPLACE FUNCTION asymm._holds_any(text text, erased text[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN EXISTS (SELECT FROM unnest(erased) AS e (value) WHERE length(e.value) >= 5 AND strpos(_holds_any.text, e.value) > 0); END $$;
COMMENT ON FUNCTION asymm._holds_any(text, text[]) IS 'Whether a text has one of some values of at least five characters in it.';

-- Values of less than five characters stand for too much to be looked for.
CREATE OR REPLACE FUNCTION asymm._count_traces(erased text[]) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF COALESCE(cardinality(erased), 0) = 0 THEN
        RETURN 0;
    END IF;
    RETURN (SELECT count(*) FROM (
        SELECT FROM asymm.query_example AS e WHERE asymm._holds_any(e.statement, erased)
        UNION ALL SELECT FROM asymm.query AS q WHERE asymm._holds_any(q.statement, erased)
        UNION ALL SELECT FROM asymm.query_plan AS p WHERE asymm._holds_any(p.plan::text, erased)
        UNION ALL SELECT FROM asymm.advice_query AS q WHERE asymm._holds_any(q.statement, erased)
        UNION ALL SELECT FROM asymm.advice_candidate AS c WHERE asymm._holds_any(concat_ws(' ', c.predicate, c.reason), erased)
        UNION ALL SELECT FROM asymm.read_query AS q WHERE asymm._holds_any(q.statement, erased)
        UNION ALL SELECT FROM asymm.read_key AS k WHERE asymm._holds_any(k.key, erased)
        UNION ALL SELECT FROM asymm.ddl_log AS l WHERE asymm._holds_any(l.statement, erased)
        UNION ALL SELECT FROM asymm.action AS a WHERE asymm._holds_any(concat(a.reason, a.error), erased)
        UNION ALL SELECT FROM asymm.action_event AS v WHERE asymm._holds_any(v.note, erased)
        UNION ALL SELECT FROM asymm.state_value AS s WHERE asymm._holds_any(s.state::text, erased)
        UNION ALL SELECT FROM asymm.state_transition AS s WHERE asymm._holds_any(concat(s.from_state, s.to_state), erased)
        UNION ALL SELECT FROM asymm.state_look AS s WHERE asymm._holds_any(s.sample::text, erased)
        UNION ALL SELECT FROM asymm.finding AS f WHERE asymm._holds_any(concat(f.seen, f.evidence, f.query, f.recommended), erased)
        UNION ALL SELECT FROM asymm.expectation AS x WHERE asymm._holds_any(x.statement, erased)
        UNION ALL SELECT FROM asymm.expectation_state AS x WHERE asymm._holds_any(concat(x.blame, x.reason), erased)
        UNION ALL SELECT FROM asymm.alert AS l WHERE asymm._holds_any(concat_ws(' ', l.key, l.about, l.seen), erased)
        UNION ALL SELECT FROM asymm.alert_message AS l WHERE asymm._holds_any(concat_ws(' ', l.payload, l.error), erased)
        UNION ALL SELECT FROM asymm.organ_state AS o WHERE asymm._holds_any(o.last_error::text, erased)
        UNION ALL SELECT FROM asymm.mirror_state AS m WHERE asymm._holds_any(m.error, erased)) AS t);
END
$$;
COMMENT ON FUNCTION asymm._count_traces(text[]) IS 'How many rows of telemetry, kept statements and the ledger hold one of some values.';

CREATE OR REPLACE FUNCTION asymm._erase_traces(erased text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_session();
    IF COALESCE(cardinality(erased), 0) > 0 THEN
        DELETE FROM asymm.query_example AS e WHERE asymm._holds_any(e.statement, erased);
        DELETE FROM asymm.query_plan AS p WHERE asymm._holds_any(p.plan::text, erased);
        UPDATE asymm.query AS q SET statement = asymm._without_constants(q.statement) WHERE asymm._holds_any(q.statement, erased);
        UPDATE asymm.advice_query AS q SET statement = 'SELECT', reason = 'not kept: what it asked for was erased'
         WHERE asymm._holds_any(q.statement, erased);
        DELETE FROM asymm.advice_candidate AS c WHERE asymm._holds_any(concat_ws(' ', c.predicate, c.reason), erased);
        UPDATE asymm.read_query AS q SET statement = asymm._without_constants(q.statement) WHERE asymm._holds_any(q.statement, erased);
        DELETE FROM asymm.read_key AS k WHERE asymm._holds_any(k.key, erased);
        UPDATE asymm.ddl_log AS l SET statement = asymm._without_constants(l.statement) WHERE asymm._holds_any(l.statement, erased);
        UPDATE asymm.ddl_log AS l SET statement = NULL WHERE asymm._holds_any(l.statement, erased);
        UPDATE asymm.action AS a SET reason = NULL, error = jsonb_build_object('sqlstate', a.error -> 'sqlstate', 'message', '…')
         WHERE asymm._holds_any(concat(a.reason, a.error), erased);
        UPDATE asymm.action_event AS v SET note = '…' WHERE asymm._holds_any(v.note, erased);
        DELETE FROM asymm.state_value AS s WHERE asymm._holds_any(s.state::text, erased);
        DELETE FROM asymm.state_transition AS s WHERE asymm._holds_any(concat(s.from_state, s.to_state), erased);
        UPDATE asymm.state_look AS s SET sample = '[]' WHERE asymm._holds_any(s.sample::text, erased);
        DELETE FROM asymm.finding AS f WHERE asymm._holds_any(concat(f.seen, f.evidence, f.query, f.recommended), erased);
        UPDATE asymm.expectation AS x SET statement = asymm._without_constants(x.statement) WHERE asymm._holds_any(x.statement, erased);
        UPDATE asymm.expectation_state AS x SET blame = NULL, reason = NULL WHERE asymm._holds_any(concat(x.blame, x.reason), erased);
        DELETE FROM asymm.alert AS l WHERE asymm._holds_any(concat_ws(' ', l.key, l.about, l.seen), erased);
        DELETE FROM asymm.alert_message AS l WHERE asymm._holds_any(concat_ws(' ', l.payload, l.error), erased);
        UPDATE asymm.organ_state AS o SET last_error = NULL WHERE asymm._holds_any(o.last_error::text, erased);
        UPDATE asymm.mirror_state AS m SET error = NULL WHERE asymm._holds_any(m.error, erased);
    END IF;
    IF EXISTS (SELECT FROM asymm.mirror_table) THEN
        -- Rows go with the stream; results and pages that were made of them go too.
        PERFORM pg_logical_emit_message(true, 'asymm', '{"any": "forget", "purge": true}');
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._erase_traces(text[]) IS 'Takes some values out of telemetry, kept statements and the ledger, and has the mirror''s worker delete results and pages.';

CREATE OR REPLACE FUNCTION asymm._subject_digest(salt text, kind text, subject text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN encode(sha256(convert_to(format('%s:%s:%s', salt, kind, subject), 'UTF8')), 'hex'); END $$;
COMMENT ON FUNCTION asymm._subject_digest(text, text, text) IS 'A subject in the ledger of erasures.';

CREATE OR REPLACE FUNCTION asymm._note_erasure(kind text, subjects text[], rows bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_salt constant text := COALESCE((SELECT e.salt FROM asymm.erasure AS e ORDER BY e.id LIMIT 1),
                                     encode(sha256(convert_to(concat(gen_random_uuid(), gen_random_uuid()), 'UTF8')), 'hex'));
BEGIN
    PERFORM asymm._require_subject_rights(kind);
    INSERT INTO asymm.erasure AS e (kind, salt, digest, erased_by, erased_at, place)
    SELECT _note_erasure.kind, v_salt, asymm._subject_digest(v_salt, _note_erasure.kind, s.subject), asymm._caller(), clock_timestamp(),
           asymm._place()
      FROM (SELECT DISTINCT u FROM unnest(subjects) AS u) AS s (subject)
    ON CONFLICT ON CONSTRAINT erasure_once DO UPDATE SET erased_by = EXCLUDED.erased_by, erased_at = EXCLUDED.erased_at, place = EXCLUDED.place;
    PERFORM asymm._audit('forget', format('%s %s', kind, asymm._subject_digest(v_salt, kind, subjects[1])), jsonb_build_object('rows', rows));
END
$$;
COMMENT ON FUNCTION asymm._note_erasure(text, text[], bigint) IS 'Writes an erasure into the ledger and the audit, without the subject''s name.';

-- Rows that a merge of duplicates put aside: those that were the subject's, and those that hold a text of it. Of tables of others nothing is
-- told, not even how many: who asks for one text after the other would read them.
CREATE OR REPLACE FUNCTION asymm._recycled_rows(kind text, subjects text[], erased text[]) RETURNS TABLE (action_id bigint, item bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT r.action_id, r.item
          FROM asymm.recycled_row AS r
          JOIN asymm.action AS a ON a.id = r.action_id
         WHERE asymm._may_act(a.owner)
           AND (asymm._holds_any(r.content::text, erased)
                OR EXISTS (SELECT FROM asymm.subject_place AS p
                            CROSS JOIN jsonb_array_elements_text(a.evidence_before -> 'columns') WITH ORDINALITY AS c (name, place)
                            WHERE p.kind = $1 AND (p.schema_name, p.table_name) = (a.schema_name::name, a.object_name::name)
                              AND p.column_name = c.name::name AND r.content[c.place] = ANY (subjects)));
END
$$;
COMMENT ON FUNCTION asymm._recycled_rows(text, text[], text[]) IS 'Rows put aside by merges that are a subject''s, of tables whose owner the caller may act for.';

-- Keys of rows that a merge pointed elsewhere: with natural keys they are the subject's too.
CREATE OR REPLACE FUNCTION asymm._repointed_rows(kind text, subjects text[], erased text[])
RETURNS TABLE (action_id bigint, reference smallint, item bigint, key text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT r.action_id, r.reference, r.item, r.key
          FROM asymm.repointed_row AS r
          JOIN asymm.action AS a ON a.id = r.action_id
         CROSS JOIN LATERAL (SELECT a.evidence_before -> 'references' -> (r.reference - 1) AS f) AS e
         WHERE asymm._may_act(a.owner)
           AND (asymm._holds_any(r.key::text, erased)
                OR EXISTS (SELECT FROM asymm.subject_place AS p
                            CROSS JOIN jsonb_array_elements_text(e.f -> 'key') WITH ORDINALITY AS c (name, place)
                            WHERE p.kind = $1 AND (p.schema_name, p.table_name) = ((e.f ->> 'schema')::name, (e.f ->> 'table')::name)
                              AND p.column_name = c.name::name AND r.key[c.place] = ANY (subjects)));
END
$$;
COMMENT ON FUNCTION asymm._repointed_rows(text, text[], text[]) IS 'What a merge noted of rows that are a subject''s and referred to duplicates.';

CREATE OR REPLACE FUNCTION asymm._count_recycled(kind text, subjects text[], erased text[]) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT count(*) FROM asymm._recycled_rows(kind, subjects, erased)) + (SELECT count(*) FROM asymm._repointed_rows(kind, subjects, erased));
END
$$;
COMMENT ON FUNCTION asymm._count_recycled(text, text[], text[]) IS 'How much merges keep of a subject.';

CREATE OR REPLACE FUNCTION asymm._erase_recycled(kind text, subjects text[], erased text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_session();
    DELETE FROM asymm.recycled_row AS r USING asymm._recycled_rows(kind, subjects, erased) AS x
     WHERE (r.action_id, r.item) = (x.action_id, x.item);
    -- Keys of rows that referred to them, and of others that are gone now.
    DELETE FROM asymm.repointed_row AS r USING asymm._repointed_rows(kind, subjects, erased) AS x
     WHERE (r.action_id, r.reference, r.item, r.key) = (x.action_id, x.reference, x.item, x.key);
END
$$;
COMMENT ON FUNCTION asymm._erase_recycled(text, text[], text[]) IS 'Deletes a subject''s rows that merges put aside: taking such a merge back does not bring them again.';

-- Hashes of whole rows: whose they are can't be told of one, so that all of a table go and are made anew.
CREATE OR REPLACE FUNCTION asymm._count_prints(kind text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT count(*) FROM asymm.row_print AS r JOIN asymm.duplicate_watch AS w ON w.id = r.watch_id
             WHERE EXISTS (SELECT FROM asymm.subject_place AS p
                            WHERE p.kind = _count_prints.kind AND (p.schema_name, p.table_name) = (w.schema_name, w.table_name)));
END
$$;
COMMENT ON FUNCTION asymm._count_prints(text) IS 'How many fingerprints of rows are kept of the tables registered for a kind.';

CREATE OR REPLACE FUNCTION asymm._erase_prints(kind text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_watches bigint[];
BEGIN
    PERFORM asymm._require_subject_rights(kind);
    v_watches := ARRAY(SELECT w.id FROM asymm.duplicate_watch AS w JOIN asymm.subject_place AS p
                           ON p.kind = _erase_prints.kind AND (p.schema_name, p.table_name) = (w.schema_name, w.table_name));
    DELETE FROM asymm.row_print AS r WHERE r.watch_id = ANY (v_watches);
    DELETE FROM asymm.duplicate_seen AS s WHERE s.watch_id = ANY (v_watches);
    DELETE FROM asymm.duplicate_look AS k WHERE k.watch_id = ANY (v_watches);
END
$$;
COMMENT ON FUNCTION asymm._erase_prints(text) IS 'Deletes the fingerprints of rows of the tables registered for a kind; the organ that watches duplicates reads those anew.';
