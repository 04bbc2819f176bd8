-- Changing and deleting an entity: only at the version the caller knows.

CREATE OR REPLACE FUNCTION asymm._lock_entity(id text, version bigint) RETURNS asymm._entity
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm._entity;
    v_gone timestamptz;
BEGIN
    SELECT d.* INTO v FROM asymm.data_entity AS d WHERE d.id = _lock_entity.id FOR UPDATE;
    IF NOT FOUND THEN
        SELECT h.changed_at INTO v_gone FROM asymm.data_entity_history AS h
         WHERE h.id = _lock_entity.id AND h.value IS NULL ORDER BY h.version DESC LIMIT 1;
        RAISE EXCEPTION 'there is no entity %', to_jsonb(left(id, 60))
            USING ERRCODE = 'undefined_object',
                  DETAIL = COALESCE('It was deleted at ' || v_gone || '.', 'None of that id was ever made, or it was deleted long ago.'),
                  HINT = 'SELECT * FROM asymm.create_entity(…) makes one; asymm.entity_history(…) tells what was.';
    ELSIF v.version <> version THEN
        RAISE EXCEPTION 'entity "%" was changed meanwhile', id
            USING ERRCODE = 'SY017',
                  DETAIL = format('Version %s was given, and it is at version %s, by "%s" at %s.', version, v.version, v.changed_by, v.changed_at),
                  HINT = format('SELECT version, value FROM asymm.get_entity(%L); decide again, and give that version.', id);
    END IF;
    RETURN v;
END
$$;
COMMENT ON FUNCTION asymm._lock_entity(text, bigint) IS 'An entity at a version, locked until the end of the transaction. Raises 42704 if there is none, SY017 at another version.';

CREATE OR REPLACE FUNCTION asymm._require_version(version bigint) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF version IS NULL THEN
        RAISE EXCEPTION 'argument "version" is null'
            USING ERRCODE = 'null_value_not_allowed', DETAIL = 'Without it a change that somebody else made meanwhile would be lost.',
                  HINT = 'Pass the version that get_entity() or the last change returned: version => …';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_version(bigint) IS 'Raises 22004 for a version that is NULL.';

CREATE OR REPLACE FUNCTION asymm._keep_version(entity asymm._entity, until timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO asymm.data_entity_history
           (id, version, value, annotations, content_hash, created_at, created_by, changed_at, changed_by, until)
    VALUES (entity.id, entity.version, entity.value, entity.annotations, entity.content_hash, entity.created_at, entity.created_by,
            entity.changed_at, entity.changed_by, _keep_version.until);
END
$$;
COMMENT ON FUNCTION asymm._keep_version(asymm._entity, timestamptz) IS 'Puts a version that ends into the history.';

CREATE OR REPLACE FUNCTION asymm.update_entity(
    id text, value jsonb, version bigint, annotations asymm.annotation DEFAULT NULL, idempotency_key text DEFAULT NULL)
RETURNS SETOF asymm._entity
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_fault constant text := asymm._entity_fault(id, value, (asymm._entity_settings()).max_value_bytes);
    v_hash constant bytea := asymm.content_hash(value);
    v_annotations constant jsonb := asymm.annotation_json(asymm._require_annotation(annotations));
    v_version bigint;
    v_done bigint;
    v_old asymm._entity;
    v_now timestamptz;
BEGIN
    PERFORM asymm._require_writable_entities();
    PERFORM asymm._require_version(version), asymm._require_key(idempotency_key);
    IF v_fault IS NOT NULL THEN
        PERFORM asymm._refuse_entity(id, v_fault);
    END IF;
    v_version := nextval('asymm.data_entity_version_seq');
    v_done := asymm._claim_request(id, idempotency_key, asymm._request_digest('update', version, v_hash, v_annotations), v_version);
    IF v_done IS NOT NULL THEN
        RETURN QUERY SELECT n.* FROM asymm._entity_at(update_entity.id, v_done) AS n;
        RETURN;
    END IF;
    v_old := asymm._lock_entity(id, version);
    v_version := asymm._version_after(id, idempotency_key, v_version, v_old.version);
    -- A clock that was set back does not turn the order of versions.
    v_now := GREATEST(clock_timestamp(), v_old.changed_at);
    PERFORM asymm._keep_version(v_old, v_now);
    RETURN QUERY
        UPDATE asymm.data_entity AS d
           SET value = update_entity.value, annotations = COALESCE(v_annotations, d.annotations), version = v_version, content_hash = v_hash,
               changed_at = v_now, changed_by = asymm._caller()
         WHERE d.id = update_entity.id
        RETURNING d.*;
END
$$;
COMMENT ON FUNCTION asymm.update_entity(text, jsonb, bigint, asymm.annotation, text)
    IS 'Gives an entity another value, if it is at the version given, and returns it; NULL leaves its annotations. Raises 22004, 22023, 42704, SY017 (changed meanwhile), SY018.';

CREATE OR REPLACE FUNCTION asymm.delete_entity(id text, version bigint, idempotency_key text DEFAULT NULL)
RETURNS TABLE (deleted text, tombstone bigint, deleted_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_version bigint;
    v_done bigint;
    v_old asymm._entity;
BEGIN
    PERFORM asymm._require_writable_entities();
    PERFORM asymm._require_text(id, 'id'), asymm._require_version(version), asymm._require_key(idempotency_key);
    v_version := nextval('asymm.data_entity_version_seq');
    v_done := asymm._claim_request(id, idempotency_key, asymm._request_digest('delete', version, NULL, NULL), v_version);
    IF v_done IS NULL THEN
        v_old := asymm._lock_entity(id, version);
        v_done := asymm._version_after(id, idempotency_key, v_version, v_old.version);
        deleted_at := GREATEST(clock_timestamp(), v_old.changed_at);
        PERFORM asymm._keep_version(v_old, deleted_at);
        INSERT INTO asymm.data_entity_history (id, version, created_at, created_by, changed_at, changed_by, until)
        VALUES (v_old.id, v_done, v_old.created_at, v_old.created_by, deleted_at, asymm._caller(), deleted_at);
        DELETE FROM asymm.data_entity AS d WHERE d.id = delete_entity.id;
    END IF;
    RETURN QUERY SELECT h.id, h.version, h.changed_at FROM asymm.data_entity_history AS h WHERE (h.id, h.version) = (delete_entity.id, v_done);
END
$$;
COMMENT ON FUNCTION asymm.delete_entity(text, bigint, text)
    IS 'Deletes an entity, if it is at the version given; its history stays for the retention, with a tombstone. Raises 22004, 22023, 42704, SY017 (changed meanwhile), SY018.';
