-- State Sonar, PING: the organ reads some rows of each tracked table with its actor's rights, and keeps counts. No trigger.
-- Values become text by their types' output functions only: a cast to text may be a function that somebody wrote.

CREATE OR REPLACE FUNCTION asymm._state_key(relid oid) RETURNS name[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        -- Keys are kept from one look to the next: never those of a protected column.
        SELECT array_agg(a.attname ORDER BY k.place)
          FROM pg_index AS i
         CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
          JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
          JOIN pg_type AS t ON t.oid = a.atttypid
         WHERE i.indrelid = relid AND i.indisprimary AND k.place <= i.indnkeyatts
        HAVING bool_and(t.typtype = 'b' AND t.typnamespace = 'pg_catalog'::regnamespace AND t.typcategory <> 'A'
                        AND a.attname <> ALL (asymm._protected_columns(i.indrelid))));
END
$$;
COMMENT ON FUNCTION asymm._state_key(oid) IS 'The primary key''s columns if they are of built-in types, whose input runs nobody''s code; else NULL.';

-- A key that says nothing of the row does not make it another one.
CREATE OR REPLACE FUNCTION asymm._content_columns(relid oid) RETURNS name[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_key smallint[] := (SELECT i.indkey::smallint[] FROM pg_index AS i WHERE i.indrelid = relid AND i.indisprimary);
    v_made boolean := cardinality(v_key) = 1 AND EXISTS (
        SELECT FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
         WHERE a.attrelid = relid AND a.attnum = v_key[0]
           AND (a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) ~ '\m(nextval|gen_random_uuid|uuid\w*)\('));
BEGIN
    IF v_key IS NOT NULL AND NOT v_made THEN
        RETURN '{}';
    END IF;
    RETURN ARRAY(SELECT a.attname FROM pg_attribute AS a
                  WHERE a.attrelid = relid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                    AND a.attnum <> ALL (COALESCE(v_key, '{}')) ORDER BY a.attnum);
END
$$;
COMMENT ON FUNCTION asymm._content_columns(oid) IS 'Columns by which rows are told apart: all but a key that the database makes up; none where the key itself says something.';

CREATE OR REPLACE FUNCTION asymm._state_work(most integer)
RETURNS TABLE (id bigint, relid oid, columns name[], rows double precision, sample jsonb, hash boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT t.id, c.oid, t.columns, s.rows, CASE WHEN NOT COALESCE(f.live, false) THEN COALESCE(k.sample, '[]') END,
               -- One at a time, for it reads whole rows.
               row_number() OVER (ORDER BY COALESCE(k.hashed_at, '-infinity'), t.id) = 1
                   AND COALESCE(k.hashed_at, '-infinity') < clock_timestamp() - interval '1 hour'
          FROM asymm.state_table AS t
          JOIN pg_namespace AS n ON n.nspname = t.schema_name
          JOIN pg_class AS c ON (c.relnamespace, c.relname) = (n.oid, t.table_name)
          LEFT JOIN asymm.state_look AS k ON k.table_id = t.id
          LEFT JOIN asymm._state_streams AS f ON f.table_id = t.id
         CROSS JOIN LATERAL (
               -- As the planner reckons: rows a page when last counted, by the pages of now.
               SELECT sum(CASE WHEN p.relpages > 0 THEN p.reltuples / p.relpages ELSE 60 END
                          * ceil(pg_relation_size(p.oid) / current_setting('block_size')::float8)) AS rows
                 FROM pg_class AS p
                WHERE p.relkind = 'r' AND (p.oid = c.oid OR c.relkind = 'p' AND p.oid IN (SELECT r.relid FROM pg_partition_tree(c.oid) AS r))) AS s
         WHERE c.relkind IN ('r', 'p') AND asymm._role_may_act(session_user, pg_get_userbyid(c.relowner))
           AND COALESCE(k.at, '-infinity') < clock_timestamp() - interval '20 s'
           AND NOT EXISTS (SELECT FROM unnest(t.columns) AS w (name)
                            WHERE NOT EXISTS (SELECT FROM pg_attribute AS a
                                               WHERE a.attrelid = c.oid AND a.attname = w.name AND a.attnum > 0 AND NOT a.attisdropped))
         ORDER BY k.at NULLS FIRST, t.id LIMIT $1;
END
$$;
COMMENT ON FUNCTION asymm._state_work(integer) IS 'Tracked tables of the owners who is logged in may act for, those looked at longest ago first; sample NULL where the mirror''s worker tells of changes.';

CREATE OR REPLACE FUNCTION asymm._texts_of(columns name[], most integer) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT string_agg(format('CASE WHEN num_nulls(t.%1$I) = 0 THEN left(concat(t.%1$I) COLLATE "C", %2$s) END', c.name, most),
                              ', ' ORDER BY c.place)
              FROM unnest(columns) WITH ORDINALITY AS c (name, place));
END
$$;
COMMENT ON FUNCTION asymm._texts_of(name[], integer) IS 'Expressions that give columns of t as text without any cast, so many characters at most, NULL as NULL.';

-- Duplicates among some blocks: pairs within a block are seen as often as the block is, pairs across blocks only if both are.
CREATE OR REPLACE FUNCTION asymm._explosion(rows double precision, read bigint, pairs double precision, near double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_scale constant double precision := GREATEST(rows / GREATEST(read, 1), 1);
    v_share constant double precision := (near * v_scale + (pairs - near) * v_scale * v_scale) / GREATEST(rows, 1);
BEGIN
    -- Few pairs: so many rows too many. Many: as if all groups were of one size.
    RETURN CASE WHEN v_share < 0.25 THEN 1 / (1 - v_share) ELSE 1 + 2 * v_share END;
END
$$;
COMMENT ON FUNCTION asymm._explosion(double precision, bigint, double precision, double precision)
    IS 'Rows to distinct rows, estimated from pairs of equal rows in a sample of blocks (near: both in one block).';

-- Runs as who calls: the rights are the actor's.
CREATE OR REPLACE FUNCTION asymm._look_at_states(relid oid, columns name[], rows double precision, sample jsonb, hash boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_most constant integer := (asymm._sonar_settings()).state_rows;
    v_part constant text := CASE WHEN rows > v_most
                                 THEN format('TABLESAMPLE SYSTEM (%s)', GREATEST(100 * v_most / rows, 0.000001)) ELSE '' END;
    v_texts constant text := asymm._texts_of(columns, 60);
    v_key constant name[] := asymm._state_key(relid);
    v_result jsonb;
    v_sample jsonb;
    v_changes jsonb;
    v_content name[];
BEGIN
    EXECUTE format('SELECT jsonb_build_object(''states'', COALESCE(jsonb_agg(jsonb_build_array(to_jsonb(s.state), s.n)), ''[]''),
                                              ''read'', COALESCE(sum(s.n), 0))
                      FROM (SELECT ARRAY[%s] AS state, count(*) AS n FROM %s AS t %s GROUP BY 1 ORDER BY 2 DESC LIMIT 1001) AS s',
                   v_texts, relid::regclass, v_part) INTO v_result;
    -- No row is followed from look to look where the worker sees each change.
    IF v_key IS NOT NULL AND sample IS NOT NULL THEN
        IF jsonb_array_length(sample) > 0 THEN
            EXECUTE format('SELECT jsonb_agg(jsonb_build_array(c.former, c.state, c.n))
                              FROM (SELECT k.former, to_jsonb(ARRAY[%s]) AS state, count(*) AS n
                                      FROM (SELECT e.value -> 0 AS key, e.value -> 1 AS former FROM jsonb_array_elements($1) AS e) AS k
                                      JOIN %s AS t ON %s
                                     GROUP BY 1, 2) AS c
                             WHERE c.former <> c.state', v_texts, relid::regclass,
                           (SELECT string_agg(format('t.%I OPERATOR(pg_catalog.=) (k.key ->> %s)::%s', u.name, u.place - 1,
                                                     format_type(a.atttypid, NULL)), ' AND ' ORDER BY u.place)
                              FROM unnest(v_key) WITH ORDINALITY AS u (name, place)
                              JOIN pg_attribute AS a ON a.attrelid = relid AND a.attname = u.name)) INTO v_changes USING sample;
        END IF;
        -- Half of them the newest, which change most, half any.
        EXECUTE format('SELECT COALESCE(jsonb_agg(DISTINCT jsonb_build_array(to_jsonb(s.key), to_jsonb(s.state))), ''[]'')
                          FROM ((SELECT ARRAY[%1$s] AS key, ARRAY[%2$s] AS state FROM %3$s AS t ORDER BY %4$s LIMIT 200)
                                UNION ALL
                                (SELECT ARRAY[%1$s], ARRAY[%2$s] FROM %3$s AS t TABLESAMPLE SYSTEM (%5$s) LIMIT 200)) AS s
                         WHERE NOT EXISTS (SELECT FROM unnest(s.key) AS u (value) WHERE length(u.value) = 200)',
                       asymm._texts_of(v_key, 200), v_texts, relid::regclass,
                       (SELECT string_agg(format('t.%I DESC', u.name), ', ' ORDER BY u.place) FROM unnest(v_key) WITH ORDINALITY AS u (name, place)),
                       LEAST(GREATEST(100 * 400 / GREATEST(rows, 1), 0.000001), 100)) INTO v_sample;
    END IF;
    v_result := v_result || jsonb_build_object('rows', CASE WHEN v_part = '' THEN (v_result ->> 'read')::float8 ELSE rows END,
                                               'changes', COALESCE(v_changes, '[]'), 'sample', COALESCE(v_sample, '[]'));
    v_content := asymm._content_columns(relid);
    IF hash AND cardinality(v_content) > 0 THEN
        EXECUTE format('WITH h AS MATERIALIZED (
                            SELECT %s AS hash, t.tableoid,
                                   (format(''%%s'', t.ctid)::point)[0] AS block
                              FROM %s AS t %s)
                        SELECT jsonb_build_object(''hashed'', (SELECT count(*) FROM h),
                                   ''distinct'', (SELECT count(DISTINCT h.hash) FROM h),
                                   ''pairs'', (SELECT sum(g.n * (g.n - 1) / 2) FROM (SELECT count(*) AS n FROM h GROUP BY h.hash) AS g),
                                   ''near'', (SELECT sum(g.n * (g.n - 1) / 2)
                                              FROM (SELECT count(*) AS n FROM h GROUP BY h.hash, h.tableoid, h.block) AS g))',
                       asymm._hash_of_columns(relid, v_content, 't', false), relid::regclass, v_part) INTO v_changes;
        v_result := v_result || v_changes;
    END IF;
    RETURN v_result || jsonb_build_object('content', to_jsonb(v_content), 'sampled', v_part <> '');
END
$$;
COMMENT ON FUNCTION asymm._look_at_states(oid, name[], double precision, jsonb, boolean)
    IS 'Reads states, what became of a sample of rows, and equal rows if asked to, as JSON for asymm._keep_states().';

CREATE OR REPLACE FUNCTION asymm._observe_states() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
BEGIN
    FOR v IN SELECT * FROM asymm._state_work(3) LOOP
        BEGIN
            PERFORM asymm._keep_states(v.id, asymm._look_at_states(v.relid, v.columns, v.rows, v.sample, v.hash));
        EXCEPTION WHEN lock_not_available OR undefined_table OR undefined_column OR insufficient_privilege OR invalid_text_representation THEN
            -- Locked or being changed: at another time.
            PERFORM asymm._keep_states(v.id, NULL);
        END;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._observe_states() IS 'Organ: looks at the states of tracked tables'' rows and at what became of those seen before.';
