-- Facts of publications, subscriptions and event triggers.

-- Its tables and schemas are parts, named in full. Columns that only newer servers have are read from the row as jsonb.
CREATE OR REPLACE FUNCTION asymm._publication_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET standard_conforming_strings = on
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
SET timezone = 'UTC'
SET extra_float_digits = 1
SET bytea_output = 'hex'
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT p.oid, '', p.pubname::text, pg_get_userbyid(p.pubowner),
           jsonb_strip_nulls(jsonb_build_object(
               'publication', jsonb_build_object('', jsonb_build_object(
                   'owner', pg_get_userbyid(p.pubowner),
                   'all_tables', CASE WHEN p.puballtables THEN true END,
                   'all_sequences', CASE WHEN to_jsonb(p) -> 'puballsequences' = 'true' THEN true END,
                   'publish', CASE WHEN NOT (p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate) THEN
                       concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                                 CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END) END,
                   'via_root', CASE WHEN p.pubviaroot THEN true END,
                   'generated_columns', CASE to_jsonb(p) ->> 'pubgencols' WHEN 's' THEN 'stored' WHEN 'true' THEN 'stored' END,
                   'comment', asymm._comment_on(p.oid, 'pg_publication'))),
               'publication relation', (
                   SELECT jsonb_object_agg(format('%I.%I', n.nspname, c.relname), jsonb_build_object(
                              'columns', CASE WHEN r.prattrs IS NOT NULL THEN (
                                  SELECT jsonb_agg(a.attname ORDER BY a.attname COLLATE "C") FROM pg_attribute AS a
                                   WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs::int2[])) END,
                              'where', asymm._settled_text(pg_get_expr(r.prqual, r.prrelid)),
                              'except', CASE WHEN to_jsonb(r) -> 'prexcept' = 'true' THEN true END))
                     FROM pg_publication_rel AS r
                     JOIN pg_class AS c ON c.oid = r.prrelid
                     JOIN pg_namespace AS n ON n.oid = c.relnamespace
                    WHERE r.prpubid = p.oid),
               'publication namespace', (
                   SELECT jsonb_object_agg(n.nspname, '{}'::jsonb)
                     FROM pg_publication_namespace AS s JOIN pg_namespace AS n ON n.oid = s.pnnspid
                    WHERE s.pnpubid = p.oid))),
           '[]'::jsonb
      FROM pg_publication AS p WHERE p.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._publication_facts(oid[]) IS 'Facts of publications, with their tables (columns, row filters) and schemas.';

-- The connection is never read. A column that this server's pg_subscription has not is taken from the row of NULLs beside it.
CREATE OR REPLACE FUNCTION asymm._subscription_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT s.oid, '', s.subname::text, pg_get_userbyid(s.subowner),
           jsonb_build_object('subscription', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'owner', pg_get_userbyid(s.subowner),
               'enabled', s.subenabled,
               'publications', to_jsonb(s.subpublications),
               'slot_name', s.subslotname,
               'synchronous_commit', NULLIF(s.subsynccommit, 'off'),
               'binary', CASE WHEN s.subbinary THEN true END,
               'streaming', NULLIF(NULLIF(s.substream::text, 'f'), 'false'),
               'two_phase', CASE WHEN s.subtwophasestate <> 'd' THEN true END,
               'disable_on_error', CASE WHEN s.subdisableonerr THEN true END,
               'origin', NULLIF(n.newer ->> 'origin', 'any'),
               'password_required', CASE WHEN n.newer -> 'password_required' = 'false' THEN false END,
               'run_as_owner', CASE WHEN n.newer -> 'run_as_owner' = 'true' THEN true END,
               'failover', CASE WHEN n.newer -> 'failover' = 'true' THEN true END,
               'comment', asymm._comment_on(s.oid, 'pg_subscription'))))),
           '[]'::jsonb
      FROM (SELECT NULL::text, NULL::boolean, NULL::boolean, NULL::boolean)
           AS absent (suborigin, subpasswordrequired, subrunasowner, subfailover)
     CROSS JOIN (SELECT b.oid, b.subname, b.subowner, b.subenabled, b.subpublications, b.subslotname, b.subsynccommit, b.subbinary,
                        b.substream, b.subtwophasestate, b.subdisableonerr
                   FROM pg_subscription AS b WHERE b.oid = ANY (oids)) AS s
     CROSS JOIN LATERAL (
         SELECT jsonb_build_object('origin', suborigin, 'password_required', subpasswordrequired, 'run_as_owner', subrunasowner,
                                   'failover', subfailover)
           FROM pg_subscription AS b WHERE b.oid = s.oid) AS n (newer);
END
$$;
COMMENT ON FUNCTION asymm._subscription_facts(oid[]) IS 'Facts of subscriptions, all but the connection.';

CREATE OR REPLACE FUNCTION asymm._event_trigger_facts(oids oid[])
RETURNS TABLE (object_id oid, schema_name text, object_name text, owner name, facts jsonb, layout jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT t.oid, '', t.evtname::text, pg_get_userbyid(t.evtowner),
           jsonb_build_object('event trigger', jsonb_build_object('', jsonb_strip_nulls(jsonb_build_object(
               'owner', pg_get_userbyid(t.evtowner),
               'event', t.evtevent,
               'function', format('%I.%I', n.nspname, p.proname),
               'tags', to_jsonb(t.evttags),
               'enabled', CASE t.evtenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
               'comment', asymm._comment_on(t.oid, 'pg_event_trigger'))))),
           '[]'::jsonb
      FROM pg_event_trigger AS t
      JOIN pg_proc AS p ON p.oid = t.evtfoid
      JOIN pg_namespace AS n ON n.oid = p.pronamespace
     WHERE t.oid = ANY (oids);
END
$$;
COMMENT ON FUNCTION asymm._event_trigger_facts(oid[]) IS 'Facts of event triggers.';
