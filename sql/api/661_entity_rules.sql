-- What an entity may be, and how a call that is repeated is told from another.

-- What functions return is not the table's own type: one that is partitioned can take its place.
CREATE OR REPLACE VIEW asymm._entity AS
    SELECT d.id, d.value, d.annotations, d.version, d.content_hash, d.created_at, d.created_by, d.changed_at, d.changed_by
      FROM asymm.data_entity AS d;
COMMENT ON VIEW asymm._entity IS 'What get_entity() and the like return.';

CREATE OR REPLACE FUNCTION asymm._entity_fault(id text, value jsonb, max_bytes integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE
        WHEN id IS NULL THEN 'It has no id, or one that is not text.'
        WHEN length(id) > 200 OR id !~ '^[A-Za-z0-9][A-Za-z0-9_.:@/+~-]*$'
            THEN 'An id is 1 to 200 of A-Z a-z 0-9 _ . : @ / + ~ -, and the first is a letter or digit.'
        WHEN value IS NULL OR value = 'null' THEN 'Its value is null.'
        WHEN pg_column_size(value) > max_bytes
            THEN format('Its value takes %s bytes, and at most %s are allowed.', pg_column_size(value), max_bytes)
    END;
END
$$;
COMMENT ON FUNCTION asymm._entity_fault(text, jsonb, integer) IS 'What is wrong with an entity''s id or value, as a sentence, or NULL.';

-- The id may be anything yet: shown short, and as JSON shows it.
CREATE OR REPLACE FUNCTION asymm._refuse_entity(id text, fault text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'entity % is refused', COALESCE(to_jsonb(left(id, 60))::text, 'without an id')
        USING ERRCODE = CASE WHEN fault LIKE '% is null.' OR fault LIKE 'It has no id%' THEN 'null_value_not_allowed'
                             ELSE 'invalid_parameter_value' END,
              DETAIL = fault,
              HINT = CASE WHEN fault LIKE '% bytes, and %' THEN 'An operator can allow more: SELECT asymm.configure_entities(max_value_bytes => …)'
                          ELSE 'Example: SELECT * FROM asymm.create_entity(''order:17'', ''{"name": "Demo"}'')' END;
END
$$;
COMMENT ON FUNCTION asymm._refuse_entity(text, text) IS 'Raises 22004 or 22023 for an entity that has a fault.';

CREATE OR REPLACE FUNCTION asymm._require_key(key text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF octet_length(key) > 200 OR btrim(key, E' \t\n\r') = '' THEN
        RAISE EXCEPTION 'idempotency key is refused'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It has %s bytes, or is blank; at most 200 are allowed.', octet_length(key)),
                  HINT = 'A random UUID for each new request is usual.';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_key(text) IS 'Raises 22023 for an idempotency key that is blank or longer than 200 bytes.';

-- Entities are written by their owner for who calls, so policies would not hold anybody back.
CREATE OR REPLACE FUNCTION asymm._require_writable_entities() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_session();
    IF (SELECT c.relrowsecurity FROM pg_class AS c WHERE c.oid = 'asymm.data_entity'::regclass)
       AND NOT (SELECT r.rolsuper OR r.rolbypassrls FROM pg_roles AS r WHERE r.rolname = asymm._caller()) THEN
        RAISE EXCEPTION 'entities can only be read'
            USING ERRCODE = 'insufficient_privilege', DETAIL = 'Row-level security is enabled on asymm.data_entity, and writing would pass it by.',
                  HINT = 'A role with BYPASSRLS may write; or: ALTER TABLE asymm.data_entity DISABLE ROW LEVEL SECURITY';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_writable_entities() IS 'Raises 42501 inside of maintenance commands, and for who would pass by row-level security of the entities.';

-- Values of one content hash are equal, so the digest is short whatever they are.
CREATE OR REPLACE FUNCTION asymm._request_digest(operation text, version bigint, content_hash bytea, annotations jsonb) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN sha256(convert_to(concat_ws(' ', operation, COALESCE(version::text, '-'), COALESCE(encode(content_hash, 'hex'), '-'),
                                       COALESCE(annotations::text, '-')), 'UTF8'));
END
$$;
COMMENT ON FUNCTION asymm._request_digest(text, bigint, bytea, jsonb) IS 'What a call with an idempotency key asks, as 32 bytes.';

-- Another session with the same key is waited for. What it did is known then, or it did nothing.
CREATE OR REPLACE FUNCTION asymm._claim_request(id text, key text, digest bytea, version bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF key IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO asymm.data_entity_request (id, key, digest, version, at)
    VALUES (_claim_request.id, _claim_request.key, _claim_request.digest, _claim_request.version, clock_timestamp())
    ON CONFLICT ON CONSTRAINT data_entity_request_pkey DO NOTHING;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    RETURN asymm._answered_request(id, key, digest);
END
$$;
COMMENT ON FUNCTION asymm._claim_request(text, text, bytea, bigint)
    IS 'Notes a call with an idempotency key; returns NULL if it is a new one, else the version it made before. Raises SY018 if the key was used for another call.';

CREATE OR REPLACE FUNCTION asymm._answered_request(id text, key text, digest bytea) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_digest bytea;
    v_version bigint;
    v_at timestamptz;
BEGIN
    SELECT r.digest, r.version, r.at INTO v_digest, v_version, v_at
      FROM asymm.data_entity_request AS r WHERE (r.id, r.key) = (_answered_request.id, _answered_request.key);
    IF v_digest IS DISTINCT FROM digest THEN
        RAISE EXCEPTION 'the idempotency key of entity "%" was used for another call', id
            USING ERRCODE = 'SY018',
                  DETAIL = format('Key "%s" was first used at %s, with another operation, version, value or annotation.', key, v_at),
                  HINT = 'Repeat that call as it was, or give this one a key of its own.';
    END IF;
    RETURN v_version;
END
$$;
COMMENT ON FUNCTION asymm._answered_request(text, text, bytea) IS 'The version that an earlier call with this key made; raises SY018 if it asked for something else.';

-- The sequence is behind what is there only if somebody set it back; versions grow all the same.
CREATE OR REPLACE FUNCTION asymm._version_after(id text, key text, version bigint, last bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_version bigint := version;
BEGIN
    IF v_version <= last THEN
        -- Never back: others may have gone on meanwhile.
        PERFORM setval('asymm.data_entity_version_seq', GREATEST(last, (SELECT s.last_value FROM asymm.data_entity_version_seq AS s)));
        v_version := nextval('asymm.data_entity_version_seq');
        UPDATE asymm.data_entity_request AS r SET version = v_version WHERE (r.id, r.key) = (_version_after.id, _version_after.key);
    END IF;
    RETURN v_version;
END
$$;
COMMENT ON FUNCTION asymm._version_after(text, text, bigint, bigint) IS 'A version, or a later one if it is not above the last one; then the call''s key stands for the later one.';
