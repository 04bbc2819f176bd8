-- Percentiles of what drivers waited: they count each read in a histogram of 48 steps, each 1.41 times as wide as the one before.

CREATE OR REPLACE FUNCTION asymm._histogram_fault(latency jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF latency IS NULL OR jsonb_typeof(latency) = 'null' THEN
        RETURN NULL;
    ELSIF jsonb_typeof(latency) <> 'object' THEN
        RETURN 'a latency is not an object';
    ELSIF EXISTS (SELECT FROM jsonb_each(latency) AS b
                   WHERE b.key !~ '^([0-9]|[1-3][0-9]|4[0-7])$' OR jsonb_typeof(b.value) <> 'number'
                      OR CASE WHEN jsonb_typeof(b.value) = 'number' THEN b.value::numeric NOT BETWEEN 0 AND 1e12 END) THEN
        RETURN 'a latency is not {"0" to "47": count}';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._histogram_fault(jsonb) IS 'What is wrong with a histogram of a driver, or NULL.';

CREATE OR REPLACE FUNCTION asymm._count_latency(queries jsonb, day date) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO asymm.read_latency AS l (day, name, route, counts)
    SELECT $2, b.name, b.route, array_agg(b.count ORDER BY b.place)
      FROM (SELECT e.item ->> 'fingerprint' AS name, e.item ->> 'route' AS route, p.place,
                   COALESCE(sum((e.item -> 'latency' ->> p.place::text)::numeric), 0)::bigint AS count
              FROM jsonb_array_elements($1) AS e (item)
             CROSS JOIN generate_series(0, 47) AS p (place)
             WHERE jsonb_typeof(e.item -> 'latency') = 'object'
               AND EXISTS (SELECT FROM asymm.read_query AS k WHERE k.fingerprint = e.item ->> 'fingerprint')
             GROUP BY 1, 2, 3) AS b
     GROUP BY b.name, b.route ORDER BY b.name, b.route
    ON CONFLICT ON CONSTRAINT read_latency_key DO UPDATE
       SET counts = ARRAY(SELECT a.old + a.new FROM unnest(l.counts, excluded.counts) WITH ORDINALITY AS a (old, new, place) ORDER BY a.place);
END
$$;
COMMENT ON FUNCTION asymm._count_latency(jsonb, date) IS 'Adds the histograms of a batch of reads to those of the day.';

-- Within a step it is taken to grow evenly, as a power: no more than the step's width (a factor of 1.41) is guessed.
CREATE OR REPLACE FUNCTION asymm._percentile_ms(counts bigint[], share double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_wanted constant double precision := share * (SELECT sum(c.count) FROM unnest(counts) AS c (count));
    v_below double precision := 0;
BEGIN
    FOR i IN 1 .. cardinality(counts) LOOP
        IF counts[i] > 0 AND v_below + counts[i] >= v_wanted THEN
            RETURN CASE i WHEN 1 THEN 0.05 * (v_wanted - v_below) / counts[i]
                          ELSE 0.05 * power(2, (i - 2 + (v_wanted - v_below) / counts[i]) / 2) END;
        END IF;
        v_below := v_below + counts[i];
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._percentile_ms(bigint[], double precision) IS 'A percentile (share 0 to 1) of a histogram of drivers, in milliseconds.';
