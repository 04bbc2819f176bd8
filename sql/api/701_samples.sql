-- Samples: where a step of time is kept, and how it is written and read, in the ring or in hypertables.

-- A minute's steps: two parts of a day. Quarters of an hour: three of four days. Hours: four of thirty days.
CREATE OR REPLACE FUNCTION asymm._sample_steps() RETURNS TABLE (step text, parts integer, days integer, base integer)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ VALUES ('minute', 2, 1, 0), ('quarter', 3, 4, 10), ('hour', 4, 30, 20) $$;
COMMENT ON FUNCTION asymm._sample_steps() IS 'Steps of time that are kept: in how many parts of how many days, and the number of the first part.';

CREATE OR REPLACE FUNCTION asymm._sample_part(step text, at timestamptz, OUT period integer, OUT slot smallint)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT n.period, s.base + n.period % s.parts INTO period, slot
      FROM asymm._sample_steps() AS s
     CROSS JOIN LATERAL (SELECT floor(EXTRACT(epoch FROM $2) / 86400)::integer / s.days) AS n (period)
     WHERE s.step = $1;
END
$$;
COMMENT ON FUNCTION asymm._sample_part(text, timestamptz) IS 'Part of the ring a step of time belongs to, and the number of the period it stands for.';

-- Since when a step is kept, at most.
CREATE OR REPLACE FUNCTION asymm._sample_reach(step text) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT to_timestamp(((asymm._sample_part(s.step, clock_timestamp())).period - s.parts + 1)::float8 * s.days * 86400)
              FROM asymm._sample_steps() AS s WHERE s.step = $1);
END
$$;
COMMENT ON FUNCTION asymm._sample_reach(text) IS 'Since when samples of a step are kept.';

-- Emptied at once, as one file; where somebody reads it just now, row by row.
CREATE OR REPLACE FUNCTION asymm._sample_slot(step text, at timestamptz) RETURNS smallint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_part constant record := asymm._sample_part($1, $2);
    v_held integer;
BEGIN
    SELECT t.parts[v_part.slot] INTO v_held FROM asymm.telemetry_state AS t;
    IF v_held = v_part.period THEN
        RETURN v_part.slot;
    END IF;
    -- Another loop may be at it.
    SELECT t.parts[v_part.slot] INTO v_held FROM asymm.telemetry_state AS t FOR UPDATE;
    IF v_held IS DISTINCT FROM v_part.period THEN
        IF v_held > 0 THEN
            BEGIN
                EXECUTE format('TRUNCATE asymm.%I', 'sample_' || v_part.slot);
            EXCEPTION WHEN lock_not_available THEN
                DELETE FROM asymm.sample AS s WHERE s.slot = v_part.slot;
            END;
        END IF;
        UPDATE asymm.telemetry_state AS t SET parts[v_part.slot] = v_part.period;
    END IF;
    RETURN v_part.slot;
END
$$;
COMMENT ON FUNCTION asymm._sample_slot(text, timestamptz) IS 'The part of the ring for a step of time, emptied if it held an older one.';

CREATE OR REPLACE FUNCTION asymm._keep_samples(step text, samples asymm.sample[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_slot smallint;
BEGIN
    IF cardinality($2) IS DISTINCT FROM 0 AND $2 IS NOT NULL THEN
        IF (SELECT t.in_hypertables FROM asymm.telemetry_state AS t) THEN
            EXECUTE format('INSERT INTO asymm_telemetry.%I SELECT s.family, s.at, s.ids, s.totals, s.lows, s.highs, s.counts'
                           '  FROM pg_catalog.unnest($1) AS s ON CONFLICT DO NOTHING', 'sample_' || $1) USING $2;
        ELSE
            v_slot := asymm._sample_slot($1, (SELECT max(s.at) FROM unnest($2) AS s));
            INSERT INTO asymm.sample
            SELECT v_slot, s.family, s.at, s.ids, s.totals, s.lows, s.highs, s.counts FROM unnest($2) AS s
            ON CONFLICT DO NOTHING;
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._keep_samples(text, asymm.sample[]) IS 'Writes samples of one step of time, a row for each family.';

CREATE OR REPLACE FUNCTION asymm._samples(step text, family text, since timestamptz, until timestamptz)
RETURNS TABLE (at timestamptz, ids bigint[], totals double precision[], lows double precision[], highs double precision[], counts integer[])
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_slots smallint[];
BEGIN
    IF (SELECT t.in_hypertables FROM asymm.telemetry_state AS t) THEN
        RETURN QUERY EXECUTE format(
            'SELECT s.at, s.ids, s.totals, s.lows, s.highs, s.counts FROM asymm_telemetry.%I AS s'
            ' WHERE s.family = $1 AND s.at >= $2 AND s.at < $3', 'sample_' || $1) USING $2, $3, $4;
    ELSE
        SELECT array_agg(DISTINCT (s.base + g.part % s.parts)::smallint) INTO v_slots
          FROM (SELECT p.parts, p.base,
                       (asymm._sample_part(p.step, GREATEST($3, asymm._sample_reach(p.step)))).period AS low,
                       (asymm._sample_part(p.step, LEAST($4, clock_timestamp() + interval '1 day'))).period AS high
                  FROM asymm._sample_steps() AS p WHERE p.step = $1) AS s
         CROSS JOIN LATERAL generate_series(s.low, s.high) AS g (part);
        RETURN QUERY SELECT s.at, s.ids, s.totals, s.lows, s.highs, s.counts
                       FROM asymm.sample AS s
                      WHERE s.slot = ANY (v_slots) AND s.family = $2 AND s.at >= $3 AND s.at < $4;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._samples(text, text, timestamptz, timestamptz) IS 'Samples of a family in a span of time, from the ring or the hypertables.';

-- What sonars measure. A figure that is no number is not recorded.
CREATE OR REPLACE FUNCTION asymm._record(metric text, node text, value double precision) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN asymm._record_all($1, ARRAY[$2], ARRAY[$3]) = 1;
END
$$;
COMMENT ON FUNCTION asymm._record(text, text, double precision)
    IS 'Records a figure of a node (* for the whole) for the sample of this minute; several in a minute are averaged (gauge) or added (counter). Raises 42704.';

CREATE OR REPLACE FUNCTION asymm._record_all(metric text, nodes text[], figures double precision[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_metric constant asymm.metric := asymm._require_metric($1);
    v_recorded bigint;
BEGIN
    IF v_metric.kind = 'ratio' OR v_metric.store <> 'sample' THEN
        RAISE EXCEPTION 'metric "%" is not recorded', v_metric.name
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It is derived from other metrics.',
                  HINT = 'Record those, or add a row of kind gauge or counter to asymm.metric.';
    END IF;
    INSERT INTO asymm.sample_now AS n (metric, node, total, low, high, count)
    SELECT v_metric.name, left(r.node, 300), sum(r.value), min(r.value), max(r.value), count(*)
      FROM unnest($2, $3) AS r (node, value)
     WHERE r.node IS NOT NULL AND r.value > '-Infinity' AND r.value < 'Infinity'
     GROUP BY left(r.node, 300) ORDER BY 2
    ON CONFLICT (metric, node) DO UPDATE
       SET total = n.total + EXCLUDED.total, low = LEAST(n.low, EXCLUDED.low), high = GREATEST(n.high, EXCLUDED.high),
           count = n.count + EXCLUDED.count;
    GET DIAGNOSTICS v_recorded = ROW_COUNT;
    RETURN v_recorded;
END
$$;
COMMENT ON FUNCTION asymm._record_all(text, text[], double precision[])
    IS 'Records figures of many nodes at once, as asymm._record(); returns of how many. Raises 42704, 22023.';
