-- The fleet: databases in step as rings that hold together only as long as every one is closed.

-- In step, they are linked so that no one may be missing: three as Borromean rings (ellipses in three planes, no two of them linked), two as
-- two links, more as bands closed to a circle, each folded over both ends of the one before. Where one differs from what most are, its ring
-- is cut, and all of them lie apart.
CREATE OR REPLACE FUNCTION asymm._draw_fleet() RETURNS SETOF asymm._drawn
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_most text;
    v_count bigint;
    v_cut bigint;
    v_parts integer;
    v_radius double precision;
BEGIN
    SELECT mode() WITHIN GROUP (ORDER BY m.fingerprint), count(*) INTO v_most, v_count FROM asymm.fleet_member AS m;
    SELECT count(*) INTO v_cut FROM asymm.fleet_member AS m WHERE m.fingerprint <> v_most;
    v_parts := GREATEST(8, LEAST(128, 3000 / GREATEST(v_count, 1)));
    v_radius := CASE WHEN v_count > 1 THEN 0.9 * sin(pi() / v_count) / (1 + sin(pi() / v_count)) ELSE 0.8 END;
    RETURN QUERY
        WITH member AS (
            SELECT m.name, m.fingerprint <> v_most AS differs, row_number() OVER (ORDER BY m.name COLLATE "C") - 1 AS n FROM asymm.fleet_member AS m
            UNION ALL
            SELECT current_database(), false, 0 WHERE v_count = 0),
        -- s goes along a band from its one end to the other, and back.
        turn AS (
            SELECT k.k, cos(2 * pi() * k.k / v_parts) AS s, sin(2 * pi() * k.k / v_parts) AS c FROM generate_series(0, v_parts) AS k (k)),
        point AS (
            SELECT m.name, m.differs, t.k, p.at
              FROM member AS m CROSS JOIN turn AS t
             CROSS JOIN LATERAL (
                -- The middle of a band (s = 0) is its back, wide and low; its ends are near to each other, and tall.
                SELECT 2 * pi() * (m.n + 1.12 * abs(t.s) ^ 3) / v_count AS angle, 0.8 + 0.384 * t.s * (1 - 0.75 * t.s ^ 2) AS far) AS b
             CROSS JOIN LATERAL (
                SELECT CASE
                    WHEN v_cut > 0 OR v_count < 2 THEN
                        ARRAY[v_radius * t.s + CASE WHEN v_count > 1 THEN (1 - v_radius) * cos(2 * pi() * m.n / v_count) ELSE 0 END,
                              v_radius * t.c + CASE WHEN v_count > 1 THEN (1 - v_radius) * sin(2 * pi() * m.n / v_count) ELSE 0 END, 0]
                    WHEN v_count = 2 THEN
                        CASE WHEN m.n = 0 THEN ARRAY[0.55 * t.s - 0.28, 0.55 * t.c, 0] ELSE ARRAY[0.55 * t.s + 0.28, 0, 0.55 * t.c] END
                    WHEN v_count = 3 THEN
                        CASE m.n WHEN 0 THEN ARRAY[0.9 * t.s, 0.5 * t.c, 0] WHEN 1 THEN ARRAY[0, 0.9 * t.s, 0.5 * t.c]
                                 ELSE ARRAY[0.5 * t.c, 0, 0.9 * t.s] END
                    ELSE ARRAY[b.far * cos(b.angle), b.far * sin(b.angle), 0.2 * t.c * (0.25 + 1.6 * t.s ^ 4)] END::float8[] AS at) AS p),
        joined AS (
            SELECT p.*, lead(p.at) OVER (PARTITION BY p.name ORDER BY p.k) AS next FROM point AS p)
        SELECT 'segment', j.at[1], j.at[2], j.at[3], j.next[1], j.next[2], j.next[3], 0.5::float8,
               CASE WHEN j.differs THEN 'critical' WHEN v_cut > 0 THEN 'warning' ELSE 'good' END, j.name,
               (NOT j.differs)::integer::float8, 'database:' || j.name
          FROM joined AS j
         WHERE j.next IS NOT NULL AND NOT (j.differs AND j.k < v_parts / 8);
END
$$;
COMMENT ON FUNCTION asymm._draw_fleet() IS 'The databases of the fleet as rings that hold together while all are the same; one that differs is cut, and all lie apart.';
