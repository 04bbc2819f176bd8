-- What drivers report of their reads, and what it says.

-- One batch of one driver: whatever is wrong in it, all of it is refused.
CREATE OR REPLACE FUNCTION asymm._read_batch(batch jsonb)
RETURNS TABLE (kind text, name text, route text, hits bigint, misses bigint, refused bigint, failed bigint,
               seconds double precision, saved_seconds double precision, bytes bigint, statement text, tables text[], reason text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT b.kind, b.name, r.route, COALESCE(r.hits, 0), COALESCE(r.misses, 0), COALESCE(r.refused, 0), COALESCE(r.failed, 0),
               COALESCE(r.seconds, 0), COALESCE(r.saved_seconds, 0), COALESCE(r.bytes, 0), left(r.statement, 10000),
               ARRAY(SELECT left(t.name, 200) FROM unnest(r.tables) AS t (name) LIMIT 100), left(r.reason, 500)
          FROM (VALUES ('query', COALESCE(batch -> 'queries', '[]')), ('row', COALESCE(batch -> 'tables', '[]'))) AS k (kind, list)
         CROSS JOIN LATERAL jsonb_array_elements(k.list) AS e (item)
         CROSS JOIN LATERAL jsonb_to_record(e.item) AS r (
               fingerprint text, "table" text, route text, hits bigint, misses bigint, refused bigint, failed bigint, seconds double precision,
               saved_seconds double precision, bytes bigint, statement text, tables text[], reason text)
         CROSS JOIN LATERAL (SELECT k.kind, CASE k.kind WHEN 'query' THEN r.fingerprint ELSE left(r."table", 200) END) AS b (kind, name);
END
$$;
COMMENT ON FUNCTION asymm._read_batch(jsonb) IS 'The rows of a batch of read counts, cut to size; raises class 22 where it is not one.';

CREATE OR REPLACE FUNCTION asymm._check_reads(batch jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jsonb_typeof(batch) IS DISTINCT FROM 'object' THEN
        RETURN 'it is not an object';
    ELSIF pg_column_size(batch) > 1048576 THEN
        RETURN 'it is larger than 1 MiB';
    ELSIF jsonb_array_length(COALESCE(batch -> 'queries', '[]')) + jsonb_array_length(COALESCE(batch -> 'tables', '[]')) > 1000
          OR jsonb_array_length(COALESCE(batch -> 'keys', '[]')) > 1000 THEN
        RETURN 'it holds more than 1,000 entries';
    END IF;
    RETURN COALESCE((
        SELECT CASE WHEN b.name IS NULL OR b.name = '' THEN 'an entry has no fingerprint or table'
                    WHEN b.kind = 'query' AND b.name !~ '^[0-9a-f]{16,64}$' THEN 'a fingerprint is not 16 to 64 hexadecimal digits'
                    WHEN b.route IS NULL OR b.route NOT IN ('near', 'redis', 'replica', 'primary')
                        THEN 'a route is not near, redis, replica or primary'
                    ELSE 'a count is negative or beyond reason' END
          FROM asymm._read_batch(batch) AS b
         WHERE b.name IS NULL OR b.name = '' OR b.kind = 'query' AND b.name !~ '^[0-9a-f]{16,64}$'
            OR b.route IS NULL OR b.route NOT IN ('near', 'redis', 'replica', 'primary')
            OR LEAST(b.hits, b.misses, b.refused, b.failed, b.bytes, b.seconds, b.saved_seconds) < 0
            OR GREATEST(b.hits, b.misses, b.refused, b.failed) > 1e12 OR b.bytes > 1e15 OR GREATEST(b.seconds, b.saved_seconds) > 1e9
         LIMIT 1),
        (SELECT max(asymm._histogram_fault(e.item -> 'latency')) FROM jsonb_array_elements(COALESCE(batch -> 'queries', '[]')) AS e (item)));
EXCEPTION WHEN data_exception THEN
    RETURN SQLERRM;
END
$$;
COMMENT ON FUNCTION asymm._check_reads(jsonb) IS 'What is wrong with a batch of read counts, or NULL.';

-- In one order, so that drivers that report at once do not wait for each other in a circle.
CREATE OR REPLACE FUNCTION asymm._count_reads(batch jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_fault constant text := asymm._check_reads(batch);
    v_day constant date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    v_known bigint;
    v_protects constant boolean := asymm._protects();
    v_counted bigint;
BEGIN
    IF v_fault IS NOT NULL THEN
        RAISE EXCEPTION 'not a batch of read counts'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = v_fault,
                  HINT = '{"queries": [{"fingerprint", "route", "hits", "misses", "refused", "failed", "seconds", "saved_seconds", "bytes", '
                         '"statement", "tables", "reason", "latency"}], "tables": [{"table", "route", …}], '
                         '"keys": [{"table" or "fingerprint", "key", "hits", "misses"}]}';
    END IF;
    SELECT count(*) INTO v_known FROM asymm.read_query;
    INSERT INTO asymm.read_query AS q (fingerprint, role, statement, tables, reason)
    SELECT b.name, asymm._caller(),
           max(CASE WHEN v_protects THEN asymm._without_constants(b.statement) ELSE b.statement END), max(b.tables), max(b.reason)
      FROM asymm._read_batch(batch) AS b
     WHERE b.kind = 'query' AND (v_known < 2000 OR EXISTS (SELECT FROM asymm.read_query AS k WHERE k.fingerprint = b.name))
     GROUP BY b.name ORDER BY b.name
    ON CONFLICT (fingerprint) DO UPDATE
       SET statement = COALESCE(excluded.statement, q.statement), reason = excluded.reason, last_seen = clock_timestamp(),
           tables = CASE WHEN excluded.tables = '{}' THEN q.tables ELSE excluded.tables END;
    INSERT INTO asymm.read_count AS c (day, kind, name, route, hits, misses, refused, failed, seconds, saved_seconds, bytes)
    SELECT v_day, b.kind, b.name, b.route, sum(b.hits), sum(b.misses), sum(b.refused), sum(b.failed), sum(b.seconds), sum(b.saved_seconds),
           sum(b.bytes)
      FROM asymm._read_batch(batch) AS b
     WHERE CASE b.kind WHEN 'query' THEN EXISTS (SELECT FROM asymm.read_query AS k WHERE k.fingerprint = b.name)
                       ELSE EXISTS (SELECT FROM asymm.mirror_table AS m WHERE format('%s.%s', m.schema_name, m.table_name) = b.name) END
     GROUP BY b.kind, b.name, b.route ORDER BY b.kind, b.name, b.route
    ON CONFLICT ON CONSTRAINT read_count_key DO UPDATE
       SET hits = c.hits + excluded.hits, misses = c.misses + excluded.misses, refused = c.refused + excluded.refused,
           failed = c.failed + excluded.failed, seconds = c.seconds + excluded.seconds,
           saved_seconds = c.saved_seconds + excluded.saved_seconds, bytes = c.bytes + excluded.bytes;
    GET DIAGNOSTICS v_counted = ROW_COUNT;
    IF batch ? 'queries' THEN
        PERFORM asymm._count_latency(batch -> 'queries', v_day);
    END IF;
    IF batch ? 'keys' THEN
        PERFORM asymm._count_keys(batch -> 'keys', v_day);
    END IF;
    RETURN v_counted;
END
$$;
COMMENT ON FUNCTION asymm._count_reads(jsonb)
    IS 'For the driver: adds what it read from which route; returns how many counts there were for known queries and mirrored tables. Raises 22023.';

-- Parameters may be a protected column's values. What a driver found out of a query may be older than the declaration.
CREATE OR REPLACE FUNCTION asymm._reads_nothing_protected(query asymm.read_query) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN query.reason IS NULL AND query.tables <> '{}' AND NOT EXISTS (
        SELECT FROM unnest(query.tables) AS t (name)
          LEFT JOIN asymm.mirror_table AS m ON format('%s.%s', m.schema_name, m.table_name) = t.name
          LEFT JOIN pg_namespace AS n ON n.nspname = m.schema_name
          LEFT JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = m.table_name
         WHERE c.oid IS NULL OR asymm._protected_columns(c.oid) <> '{}');
END
$$;
COMMENT ON FUNCTION asymm._reads_nothing_protected(asymm.read_query) IS 'Whether a query reads mirrored tables only, none of which has a protected column.';

CREATE OR REPLACE FUNCTION asymm._count_keys(keys jsonb, day date) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_protects constant boolean := asymm._protects();
BEGIN
    INSERT INTO asymm.read_key AS k (day, name, key, hits, misses)
    SELECT $2, COALESCE(r."table", r.fingerprint), left(r.key, 500), COALESCE(sum(LEAST(GREATEST(r.hits, 0), 1e12)), 0),
           COALESCE(sum(LEAST(GREATEST(r.misses, 0), 1e12)), 0)
      FROM jsonb_to_recordset(keys) AS r ("table" text, fingerprint text, key text, hits bigint, misses bigint)
     WHERE r.key IS NOT NULL
       AND CASE WHEN r."table" IS NULL THEN (SELECT count(*) FROM asymm.read_key AS o WHERE o.day = $2) < 10000
                                            AND EXISTS (SELECT FROM asymm.read_query AS q WHERE q.fingerprint = r.fingerprint
                                                          AND (NOT v_protects OR asymm._reads_nothing_protected(q)))
                ELSE EXISTS (SELECT FROM asymm.mirror_table AS m WHERE format('%s.%s', m.schema_name, m.table_name) = r."table") END
     GROUP BY COALESCE(r."table", r.fingerprint), left(r.key, 500) ORDER BY 2, 3
    ON CONFLICT ON CONSTRAINT read_key_key DO UPDATE SET hits = k.hits + excluded.hits, misses = k.misses + excluded.misses;
    -- Half of what remains are the most read, half the most missed.
    DELETE FROM asymm.read_key AS k
     USING (SELECT o.name, o.key, row_number() OVER (PARTITION BY o.name ORDER BY o.hits DESC, o.key) AS hot,
                   row_number() OVER (PARTITION BY o.name ORDER BY o.misses DESC, o.hits DESC, o.key) AS cold
              FROM asymm.read_key AS o
             WHERE o.day = $2 AND o.name IN (SELECT COALESCE(r."table", r.fingerprint)
                                               FROM jsonb_to_recordset(keys) AS r ("table" text, fingerprint text))) AS p
     WHERE k.day = $2 AND k.name = p.name AND k.key = p.key AND p.hot > 100 AND (p.cold > 100 OR k.misses = 0);
EXCEPTION WHEN data_exception THEN
    RAISE EXCEPTION 'not a list of keys'
        USING ERRCODE = 'invalid_parameter_value', DETAIL = SQLERRM, HINT = '[{"table" or "fingerprint", "key", "hits", "misses"}]';
END
$$;
COMMENT ON FUNCTION asymm._count_keys(jsonb, date)
    IS 'Adds reads of keys of mirrored tables and parameters of queries; keeps the 100 read and the 100 missed most of a day and table or query. Raises 22023.';

CREATE OR REPLACE FUNCTION asymm._purge_reads() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_since constant timestamptz := clock_timestamp() - (asymm._settings()).retention;
BEGIN
    DELETE FROM asymm.read_count AS c WHERE c.day < v_since::date;
    DELETE FROM asymm.read_key AS k WHERE k.day < v_since::date;
    DELETE FROM asymm.read_latency AS l WHERE l.day < (clock_timestamp() - interval '7 days')::date;
    DELETE FROM asymm.read_query AS q WHERE q.last_seen < v_since;
END
$$;
COMMENT ON FUNCTION asymm._purge_reads() IS 'Removes read counts older than the retention.';

CREATE OR REPLACE VIEW asymm._read_totals AS
    SELECT t.kind, t.name, sum(t.hits)::bigint AS hits, sum(t.misses)::bigint AS misses, sum(t.refused)::bigint AS refused,
           sum(t.hits) / NULLIF(sum(t.hits + t.misses + t.refused), 0)::double precision AS hit_rate,
           jsonb_object_agg(t.route, t.hits + t.misses + t.refused) AS routes,
           make_interval(secs => sum(t.seconds)) AS spent, make_interval(secs => sum(t.saved_seconds)) AS saved, sum(t.bytes)::bigint AS bytes
      FROM (SELECT c.kind, c.name, c.route, sum(c.hits) AS hits, sum(c.misses) AS misses, sum(c.refused) AS refused, sum(c.seconds) AS seconds,
                   sum(c.saved_seconds) AS saved_seconds, sum(c.bytes) AS bytes
              FROM asymm.read_count AS c GROUP BY c.kind, c.name, c.route) AS t
     GROUP BY t.kind, t.name;
COMMENT ON VIEW asymm._read_totals IS 'Read counts of all days that are kept, by query or table.';

CREATE OR REPLACE VIEW asymm.cached_queries AS
    SELECT q.fingerprint, q.role, CASE WHEN asymm._sees_statements() THEN q.statement END AS statement, q.tables,
           t.hits, t.misses, t.refused, t.hit_rate, t.routes, t.spent, t.saved, t.bytes, q.reason AS why_not, q.first_seen, q.last_seen
      FROM asymm.read_query AS q LEFT JOIN asymm._read_totals AS t ON t.kind = 'query' AND t.name = q.fingerprint;
COMMENT ON VIEW asymm.cached_queries
    IS 'Queries that drivers asked with a mirror at hand: how often a copy answered (hits), had to be made (misses) or could not be used (refused, why_not), by which routes, and the time it saved.';

CREATE OR REPLACE VIEW asymm.mirror_reads AS
    SELECT m.schema_name, m.table_name, COALESCE(t.hits, 0) AS hits, COALESCE(t.misses, 0) AS misses, COALESCE(t.refused, 0) AS refused,
           t.hit_rate, t.routes, t.spent, t.saved, t.bytes,
           (SELECT count(*) FROM asymm.read_query AS q WHERE format('%s.%s', m.schema_name, m.table_name) = ANY (q.tables)) AS queries
      FROM asymm.mirror_table AS m
      LEFT JOIN asymm._read_totals AS t ON t.kind = 'row' AND t.name = format('%s.%s', m.schema_name, m.table_name);
COMMENT ON VIEW asymm.mirror_reads
    IS 'Each mirrored table: reads of its rows by key that a copy answered, missed or could not answer, by route, the time saved, and how many queries depend on it.';

CREATE OR REPLACE VIEW asymm.mirror_keys AS
    SELECT CASE WHEN q.fingerprint IS NULL THEN 'row' ELSE 'query' END AS kind, k.name, q.statement, k.key, sum(k.hits)::bigint AS hits,
           sum(k.misses)::bigint AS misses, sum(k.hits) / NULLIF(sum(k.hits + k.misses), 0)::double precision AS hit_rate, max(k.day) AS last_day
      FROM asymm.read_key AS k LEFT JOIN asymm.read_query AS q ON q.fingerprint = k.name
     GROUP BY q.fingerprint, k.name, k.key;
COMMENT ON VIEW asymm.mirror_keys
    IS 'For operators, since they are values of users: keys of mirrored tables and parameters of queries that are hot (many hits) or cold (missed most).';
