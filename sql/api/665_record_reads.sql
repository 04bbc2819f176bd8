-- Reads of entities in the audit, where an operator wants them: by our functions, which then write, so on the primary only.

CREATE OR REPLACE FUNCTION asymm._records_reads() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN EXISTS (SELECT FROM asymm.entity_setting AS s WHERE s.audit_reads); END $$;
COMMENT ON FUNCTION asymm._records_reads() IS 'Whether reads of entities are recorded.';

-- Who reads may tell that he did, and nothing else.
CREATE OR REPLACE FUNCTION asymm._record_read(kind text, id text, ids text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_read_only')::boolean THEN
        RAISE EXCEPTION 'a read of entities cannot be recorded here'
            USING ERRCODE = 'read_only_sql_transaction',
                  DETAIL = 'Reads of entities are recorded (setting audit_reads), and this transaction or server is read-only.',
                  HINT = 'Read on the primary, in a transaction that may write.';
    END IF;
    -- An entry stays of a size that is easily sealed.
    PERFORM asymm._audit('read ' || CASE kind WHEN 'entity' THEN 'entity' WHEN 'history' THEN 'entity history' ELSE 'entities' END,
                         COALESCE(id, 'entities'),
                         CASE WHEN id IS NULL THEN jsonb_build_object('found', COALESCE(to_jsonb(ids[p.n:p.n + 999]), '[]'))
                              ELSE jsonb_build_object('found', cardinality(ids)) END)
       FROM generate_series(1, GREATEST(cardinality(ids), 1), 1000) AS p (n);
END
$$;
COMMENT ON FUNCTION asymm._record_read(text, text, text[]) IS 'Adds to the audit that an entity, its history or what a search found was read; raises 25006 where nothing can be written.';
