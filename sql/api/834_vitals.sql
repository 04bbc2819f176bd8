-- What a glance shows, cheap enough for every beat; and the server's own figures. Consoles, pages and Grafana only draw these.

CREATE OR REPLACE VIEW asymm.vitals AS
    SELECT clock_timestamp() AS at, current_database() AS database, l.seq, COALESCE(l.beating, false) AS beating,
           clock_timestamp() - l.beat_at AS beat_age, COALESCE(r.rate, 0) AS rate, l.rate_wanted, h.cause AS paused,
           (SELECT count(*) FROM asymm.baseline) AS watched,
           (SELECT count(*) FROM asymm.drift_record AS d WHERE d.state = 'open') AS drifted,
           a.proposals, a.running, (SELECT count(*) FROM asymm.action AS x WHERE x.state = 'failed'
                                       AND x.changed_at > clock_timestamp() - interval '1 day') AS failed,
           f.critical, f.warnings, (SELECT count(*) FROM asymm.alert AS x WHERE x.closed_at IS NULL) AS alerts,
           m.mirrored, m.lag AS mirror_lag, m.state AS mirror_state
      FROM asymm._healing() AS h
     -- A loop that was told to stop is not missed; nor one that nobody started for a week.
     CROSS JOIN (
        SELECT max(s.seq) AS seq, max(s.beat_at) AS beat_at, bool_and(asymm._alive(s.pid, s.backend_start)
               AND s.beat_at > clock_timestamp() - make_interval(secs => 1 + 5 * s.period)) AS beating, max(1 / s.period) AS rate_wanted
          FROM asymm.pulse_state AS s
         WHERE s.lane = 'fast' AND (s.registered_at IS NOT NULL OR s.stops <= s.run_stops AND s.beat_at > clock_timestamp() - interval '7 days')) AS l
     CROSS JOIN (
        SELECT count(v.ms) * 1000 / NULLIF(sum(v.ms)::float8, 0) AS rate
          FROM asymm.beat_summary AS b CROSS JOIN LATERAL unnest(b.intervals_ms) AS v (ms)
         WHERE b.lane = 'fast' AND b.at > clock_timestamp() - interval '15 s') AS r
     CROSS JOIN (
        SELECT count(*) FILTER (WHERE x.state = 'proposed') AS proposals, count(*) FILTER (WHERE x.state <> 'proposed') AS running
          FROM asymm.action AS x WHERE x.state IN ('proposed', 'approved', 'applying', 'reverting')) AS a
     CROSS JOIN (
        SELECT count(*) FILTER (WHERE x.severity = 'critical') AS critical, count(*) FILTER (WHERE x.severity = 'warning') AS warnings
          FROM asymm.finding AS x WHERE x.closed_at IS NULL) AS f
     CROSS JOIN (
        SELECT count(*) AS mirrored, max(s.lag) AS lag,
               (array_agg(s.state ORDER BY array_position('{gone,refused,unsafe,no worker,paused,building,live}', s.state)))[1] AS state
          FROM asymm.mirror_status() AS s) AS m;
COMMENT ON VIEW asymm.vitals
    IS 'One row at a glance: whether the loops beat and how long ago, what is watched, open differences, actions proposed, under way and failed (within a day), open findings by severity, open alerts, the mirror''s lag and worst state.';
