-- What the database has and what the mirror serves: two circles, and the share of it in their overlap.

-- Where two circles of radius 1 must be so that the part they share is this share of one of them: by halving.
CREATE OR REPLACE FUNCTION asymm._circles_apart(share double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_low double precision := 0;
    v_high double precision := 2;
    v_middle double precision;
BEGIN
    IF share >= 1 OR share <= 0 THEN
        RETURN CASE WHEN share >= 1 THEN 0 ELSE 2 END;
    END IF;
    FOR v_step IN 1..50 LOOP
        v_middle := (v_low + v_high) / 2;
        IF (2 * acos(v_middle / 2) - v_middle / 2 * sqrt(4 - v_middle ^ 2)) / pi() > share THEN
            v_low := v_middle;
        ELSE
            v_high := v_middle;
        END IF;
    END LOOP;
    RETURN (v_low + v_high) / 2;
END
$$;
COMMENT ON FUNCTION asymm._circles_apart(double precision) IS 'The distance of the centres of two circles of radius 1 that have this share of one (0 to 1) in common.';

-- Left what the database has, right what the mirror serves: rows of the tables that may be read from it now. Each table is a point, in the
-- overlap or beside it; points spread like the seeds of a sunflower, so that none hides another.
CREATE OR REPLACE FUNCTION asymm._draw_overlap() RETURNS SETOF asymm._drawn
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_share double precision;
    v_apart double precision;
    v_scale double precision;
    v_tables text[];
    v_rows double precision[];
    v_served boolean[];
BEGIN
    SELECT array_agg(t.name ORDER BY t.name COLLATE "C"), array_agg(t.rows ORDER BY t.name COLLATE "C"),
           array_agg(t.served ORDER BY t.name COLLATE "C"), sum(t.rows) FILTER (WHERE t.served) / NULLIF(sum(t.rows), 0)
      INTO v_tables, v_rows, v_served, v_share
      FROM (SELECT c.oid::regclass::text AS name, COALESCE(m.rows, GREATEST(c.reltuples, 0))::float8 AS rows, m.object IS NOT NULL AS served
              FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
              LEFT JOIN asymm.mirror_status() AS m ON m.object = c.oid::regclass::text AND m.state = 'live'
             WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
               AND n.nspname <> ALL ('{pg_catalog,information_schema,asymm}')) AS t;
    v_apart := asymm._circles_apart(COALESCE(v_share, 0));
    v_scale := 1 / (1 + v_apart / 2);
    RETURN QUERY
        SELECT 'segment', v_scale * (cos(a.low) + s.middle), v_scale * sin(a.low), 0::float8,
               v_scale * (cos(a.high) + s.middle), v_scale * sin(a.high), 0::float8, 0.4::float8, s.color, s.label, COALESCE(v_share, 0), NULL::text
          FROM (VALUES (-v_apart / 2, 'accent', 'Database'), (v_apart / 2, 'good', 'Mirror')) AS s (middle, color, label)
         CROSS JOIN (SELECT pi() * g.n / 48, pi() * (g.n + 1) / 48 FROM generate_series(0, 95) AS g (n)) AS a (low, high);
    RETURN QUERY
        WITH seed AS (
            SELECT g.n, sqrt(g.n / 4000.0) * cos(g.n * pi() * (3 - sqrt(5))) - v_apart / 2 AS x,
                   sqrt(g.n / 4000.0) * sin(g.n * pi() * (3 - sqrt(5))) AS y
              FROM generate_series(1, 3600) AS g (n)),
        place AS (
            SELECT s.x, s.y, p.shared,
                   -- Every k-th of the seeds: those of one kind are spread over all its room.
                   row_number() OVER (PARTITION BY p.shared ORDER BY (s.n * 2116) % 3571, s.n) AS number
              FROM seed AS s CROSS JOIN LATERAL (SELECT (s.x - v_apart / 2) ^ 2 + s.y ^ 2 < 0.9) AS p (shared)),
        named AS (
            SELECT t.name, t.rows, t.served, row_number() OVER (PARTITION BY t.served ORDER BY t.rows DESC, t.name COLLATE "C") AS number
              FROM unnest(v_tables, v_rows, v_served) AS t (name, rows, served))
        SELECT 'point', v_scale * COALESCE(p.x, 0), v_scale * COALESCE(p.y, 0), 0::float8, NULL::float8, NULL::float8, NULL::float8,
               LEAST(1, ln(1 + t.rows) / 20), CASE WHEN t.served THEN 'good' ELSE 'other' END, t.name, t.rows, 'entity:' || t.name
          FROM named AS t LEFT JOIN place AS p ON p.shared = t.served AND p.number = t.number;
END
$$;
COMMENT ON FUNCTION asymm._draw_overlap() IS 'Two circles whose overlap is the share of rows that the mirror serves; each table is a point in the overlap or beside it.';
