-- heartbeat: how the loops are doing.

CREATE OR REPLACE VIEW asymm._actors AS
    SELECT s.actor, bool_or(s.registered_at IS NOT NULL) AS registered,
           bool_or(COALESCE(asymm._alive(s.pid, s.backend_start), false)) AS alive
      FROM asymm.pulse_state s GROUP BY s.actor;
COMMENT ON VIEW asymm._actors IS 'Actors that were started (registered) or beat at some time.';

CREATE OR REPLACE VIEW asymm.heartbeat AS
    SELECT s.actor, s.lane, l.alive, s.seq, s.beat_at, clock_timestamp() - s.beat_at AS age,
           i.n AS beats, COALESCE(i.n * 1000 / NULLIF(i.total, 0), 0) AS rate,
           1 / s.period AS rate_wanted,
           i.p50 AS interval_p50_ms, i.p99 AS interval_p99_ms, i.longest AS interval_max_ms,
           COALESCE(m.missed, 0) AS missed_last_minute, s.missed, s.skipped,
           w.mean AS work_mean_ms, w.p99 AS work_p99_ms, s.clock_jumps, p.cause AS paused,
           NOT l.alive AND s.stops > s.run_stops AS stopped, CASE
               WHEN l.alive THEN s.pid END AS pid, s.run_at, s.registered_at, s.version
      FROM asymm.pulse_state s
     CROSS JOIN LATERAL (SELECT COALESCE(asymm._alive(s.pid, s.backend_start), false)) AS l (alive)
     CROSS JOIN asymm._healing() AS p
     CROSS JOIN LATERAL (
        SELECT count(*) AS n, sum(v.ms)::double precision AS total,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY v.ms) AS p50,
               percentile_cont(0.99) WITHIN GROUP (ORDER BY v.ms) AS p99,
                   max(v.ms)::double precision AS longest
          FROM asymm.beat_summary b CROSS JOIN LATERAL unnest(b.intervals_ms) AS v (ms)
         WHERE b.actor = s.actor AND b.lane = s.lane AND b.at > clock_timestamp() - interval '1 min') AS i
     CROSS JOIN LATERAL (
        SELECT avg(v.ms) AS mean, percentile_cont(0.99) WITHIN GROUP (ORDER BY v.ms) AS p99
          FROM asymm.beat_summary b CROSS JOIN LATERAL unnest(b.work_ms) AS v (ms)
         WHERE b.actor = s.actor AND b.lane = s.lane AND b.at > clock_timestamp() - interval '1 min') AS w
     CROSS JOIN LATERAL (
        SELECT sum(b.missed) AS missed FROM asymm.beat_summary b
         WHERE b.actor = s.actor AND b.lane = s.lane AND b.at > clock_timestamp() - interval '1 min') AS m
     ORDER BY s.actor, s.lane;
COMMENT ON VIEW asymm.heartbeat IS 'Each loop: alive, number and age of the last beat, beats a second over the last minute, intervals and working time in milliseconds, ticks missed, clock jumps.';
