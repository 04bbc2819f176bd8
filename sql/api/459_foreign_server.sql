-- Foreign-data wrappers, servers and user mappings. Their options may be passwords: of an option that is not known to be
-- harmless only a keyed hash is a fact, enough to see that it changed and never enough to give it back.

CREATE OR REPLACE FUNCTION asymm._server_option_facts(options text[], open boolean DEFAULT false) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- open: of a wrapper, where only a name that sounds like a secret is one.
    SELECT jsonb_object_agg(v.name, CASE
               WHEN asymm._is_harmless_option(v.name) THEN v.value
               WHEN open AND v.name !~* 'pass|pwd|secret|token|key|cred|auth|cert|conn|ur[il]|dsn' AND v.value !~ '[:@/]' THEN v.value
               ELSE asymm._keyed_hash(v.name || '=' || v.value) END)
      FROM (SELECT split_part(o, '=', 1) AS name, substr(o, strpos(o, '=') + 1) AS value FROM unnest(options) AS o) AS v
$$;
COMMENT ON FUNCTION asymm._server_option_facts(text[], boolean) IS 'Options of a foreign-data wrapper, server or user mapping as facts: harmless ones in clear, the rest as keyed hashes.';

CREATE OR REPLACE FUNCTION asymm._is_harmless_option(name text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT name = ANY ('{
        host,hostaddr,port,dbname,service,user,username,password_required,application_name,client_encoding,connect_timeout,
        target_session_attrs,load_balance_hosts,sslmode,sslcompression,ssl_min_protocol_version,ssl_max_protocol_version,gssencmode,krbsrvname,
        keepalives,keepalives_idle,keepalives_interval,keepalives_count,tcp_user_timeout,channel_binding,require_auth,
        schema_name,table_name,column_name,schema,table,database,server,address,use_remote_estimate,fetch_size,batch_size,
        fdw_startup_cost,fdw_tuple_cost,async_capable,extensions,updatable,truncatable,analyze_sampling,keep_connections,parallel_commit,
        parallel_abort,use_scram_passthrough,restore_stats,filename,format,header,delimiter,quote,escape,"null",encoding,force_not_null,
        force_null,on_error,reject_limit,log_verbosity,default,debug}'::text[])
$$;
COMMENT ON FUNCTION asymm._is_harmless_option(text) IS 'Whether the value of a foreign option with this name may be written down.';

-- Who has the facts but not the key can't try out guesses. The key's own name stands in front: a database with another
-- key can tell that it can't compare.
CREATE OR REPLACE FUNCTION asymm._keyed_hash(value text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat('keyed:', left(encode(sha256(k.key), 'hex'), 8), ':',
                  encode(sha256(k.key || sha256(k.key || convert_to(value, 'UTF8'))), 'hex'))
      FROM asymm.secret_key AS k
$$;
COMMENT ON FUNCTION asymm._keyed_hash(text) IS 'SHA-256 of a value with the random key of this database, behind the name of the key.';

CREATE OR REPLACE FUNCTION asymm._is_keyed_hash(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(value ~ '^keyed:[0-9a-f]{8}:[0-9a-f]{64}$', false)
$$;
COMMENT ON FUNCTION asymm._is_keyed_hash(text) IS 'Whether an option''s fact is only a hash of its value.';

CREATE OR REPLACE FUNCTION asymm._foreign_data_wrapper_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT w.oid, '', w.fdwname::text, pg_get_userbyid(w.fdwowner),
           jsonb_build_object('foreign-data wrapper', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'owner', pg_get_userbyid(w.fdwowner),
               'handler', (SELECT format('%I.%I', n.nspname, p.proname) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                            WHERE p.oid = w.fdwhandler),
               'validator', (SELECT format('%I.%I', n.nspname, p.proname) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                              WHERE p.oid = w.fdwvalidator),
               'options', asymm._server_option_facts(w.fdwoptions, open => true),
               'comment', asymm._comment_on(w.oid, 'pg_foreign_data_wrapper'),
               'acl', asymm._object_acl_facts(w.fdwacl, 'F', w.fdwowner))))),
           '[]'::jsonb
      FROM pg_foreign_data_wrapper AS w WHERE w.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._foreign_data_wrapper_facts(oid[]) IS 'Facts of foreign-data wrappers.';

CREATE OR REPLACE FUNCTION asymm._server_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT s.oid, '', s.srvname::text, pg_get_userbyid(s.srvowner),
           jsonb_build_object('server', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'owner', pg_get_userbyid(s.srvowner),
               'wrapper', w.fdwname,
               'type', s.srvtype,
               'version', s.srvversion,
               'options', asymm._server_option_facts(s.srvoptions),
               'comment', asymm._comment_on(s.oid, 'pg_foreign_server'),
               'acl', asymm._object_acl_facts(s.srvacl, 'S', s.srvowner))))),
           '[]'::jsonb
      FROM pg_foreign_server AS s JOIN pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw
     WHERE s.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._server_facts(oid[]) IS 'Facts of foreign servers.';

-- Only a superuser may read what is in a mapping, and a right on a system catalog would outlive the extension. So this view
-- stays its installer's, and shows nobody a secret: no function sees a value that is not one of the server's own.
CREATE OR REPLACE VIEW asymm._user_mapping WITH (security_barrier = true) AS
    SELECT m.oid, m.umuser, m.umserver,
           (SELECT jsonb_object_agg(o.name, CASE
                       WHEN o.name IN ('user', 'username', 'user_name', 'uid', 'login', 'password_required', 'sslmode', 'dbname', 'schema')
                       THEN o.value
                       ELSE concat('keyed:', left(encode(sha256(k.key), 'hex'), 8), ':',
                                   encode(sha256(k.key || sha256(k.key || convert_to(concat(o.name, '=', o.value), 'UTF8'))), 'hex')) END)
              FROM asymm.secret_key AS k,
                   (SELECT split_part(u, '=', 1) AS name, substr(u, strpos(u, '=') + 1) AS value FROM unnest(m.umoptions) AS u) AS o) AS options
      FROM pg_user_mapping AS m;
COMMENT ON VIEW asymm._user_mapping IS 'User mappings with the names of their options, values that are no secret, and keyed hashes of the others.';

CREATE OR REPLACE FUNCTION asymm._user_mapping_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT m.oid, '', i.identity, NULL::name,
           jsonb_build_object('user mapping', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'role', CASE WHEN m.umuser = 0 THEN '' ELSE pg_get_userbyid(m.umuser) END,
               'server', s.srvname,
               'options', m.options)))),
           '[]'::jsonb
      FROM asymm._user_mapping AS m
      JOIN pg_foreign_server AS s ON s.oid = m.umserver
     CROSS JOIN LATERAL pg_identify_object('pg_user_mapping'::regclass, m.oid, 0) AS i
     WHERE m.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._user_mapping_facts(oid[]) IS 'Facts of user mappings.';
