-- The audit: who did what through our functions. Entries are only added, with the user's own commit; a chain of hashes is laid over
-- them afterwards, by one at a time, so that commits don't wait for each other.

-- A role of its own: what owns the rest of the extension may add entries, and change none.
DO $role$
DECLARE
    v_bad text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = 'asymm_auditor') THEN
        CREATE ROLE asymm_auditor NOLOGIN;
    END IF;
    SELECT CASE WHEN r.rolcanlogin THEN 'it can log in'
                WHEN r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls THEN 'it has attributes of its own'
                WHEN EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.member = r.oid) THEN 'it is a member of another role'
                WHEN EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.member
                              WHERE m.roleid = r.oid AND NOT g.rolsuper) THEN 'a role that is not a superuser is a member of it'
           END
      INTO v_bad
      FROM pg_catalog.pg_roles r WHERE r.rolname = 'asymm_auditor';
    IF v_bad IS NOT NULL THEN
        RAISE EXCEPTION 'role "asymm_auditor" exists and cannot be used'
            USING ERRCODE = 'invalid_role_specification', DETAIL = pg_catalog.format('It was refused because %s.', v_bad),
                  HINT = 'Rename or drop it: ALTER ROLE asymm_auditor RENAME TO …, then try again.';
    END IF;
END
$role$;
GRANT USAGE ON SCHEMA asymm TO asymm_auditor;

CREATE TABLE asymm.audit_entry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    role name NOT NULL,
    login name NOT NULL,
    address inet,
    application text NOT NULL,
    action text NOT NULL CONSTRAINT audit_entry_action CHECK (pg_catalog.length(action) BETWEEN 1 AND 100),
    object text NOT NULL CONSTRAINT audit_entry_object CHECK (pg_catalog.length(object) <= 1000),
    detail jsonb NOT NULL CONSTRAINT audit_entry_detail CHECK (pg_catalog.jsonb_typeof(detail) = 'object')
);
COMMENT ON TABLE asymm.audit_entry IS 'What was done through our functions, by whom; only added to; survives pg_dump.';

CREATE TABLE asymm.audit_seal (
    seq bigint PRIMARY KEY,
    entry_id bigint NOT NULL CONSTRAINT audit_seal_entry UNIQUE,
    digest text NOT NULL,
    hash text NOT NULL,
    sealed_at timestamptz NOT NULL
);
COMMENT ON TABLE asymm.audit_seal IS 'The chain: each hash is of the one before, the number, the digest of an entry and the time; survives pg_dump.';

CREATE TABLE asymm.audit_head (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT audit_head_only_row CHECK (only_row),
    seq bigint NOT NULL,
    hash text NOT NULL,
    floor bigint NOT NULL,
    sealed_at timestamptz NOT NULL
);
COMMENT ON TABLE asymm.audit_head IS 'The end of the chain; survives pg_dump.';
COMMENT ON COLUMN asymm.audit_head.floor IS 'Entries up to this number are an hour old: what among them is not sealed is looked for by asymm.seal_audit() only.';

CREATE FUNCTION asymm._refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'the audit is only added to'
        USING ERRCODE = 'SY021', DETAIL = format('%s on %I was refused.', TG_OP, TG_TABLE_NAME),
              HINT = 'SELECT * FROM asymm.verify_audit(); tells whether the chain is whole.';
END
$$;
COMMENT ON FUNCTION asymm._refuse_audit_change() IS 'Trigger: raises SY021.';
CREATE TRIGGER audit_entry_append BEFORE UPDATE OR DELETE ON asymm.audit_entry FOR EACH ROW EXECUTE FUNCTION asymm._refuse_audit_change();
CREATE TRIGGER audit_entry_truncate BEFORE TRUNCATE ON asymm.audit_entry FOR EACH STATEMENT EXECUTE FUNCTION asymm._refuse_audit_change();
CREATE TRIGGER audit_seal_append BEFORE UPDATE OR DELETE ON asymm.audit_seal FOR EACH ROW EXECUTE FUNCTION asymm._refuse_audit_change();
CREATE TRIGGER audit_seal_truncate BEFORE TRUNCATE ON asymm.audit_seal FOR EACH STATEMENT EXECUTE FUNCTION asymm._refuse_audit_change();
-- Replicas' sessions too.
ALTER TABLE asymm.audit_entry ENABLE ALWAYS TRIGGER audit_entry_append, ENABLE ALWAYS TRIGGER audit_entry_truncate;
ALTER TABLE asymm.audit_seal ENABLE ALWAYS TRIGGER audit_seal_append, ENABLE ALWAYS TRIGGER audit_seal_truncate;
SELECT pg_catalog.pg_extension_config_dump('asymm.audit_entry', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.audit_entry_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.audit_seal', '');
SELECT pg_catalog.pg_extension_config_dump('asymm.audit_head', '');
