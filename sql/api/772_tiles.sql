-- Every tile of the console, the page and the dashboards is a query that anybody who may look can run.

CREATE OR REPLACE VIEW asymm.tiles AS
    SELECT t.tile, t.title, t.about, t.query, t.every::interval AS every, t.on_change, t.picture
      FROM (VALUES
        ('vitals', 'Vital signs', 'The loop, what is watched, what is open.', 'SELECT * FROM asymm.vitals', '0', false, false),
        ('verdict', 'Health', 'One verdict, and what pulls it down.', 'SELECT * FROM asymm.verdict', '5 s', true, false),
        ('health_terms', 'What the figure is made of', 'Each term with its weight, what it adds, and the query that shows its rows.',
         'SELECT * FROM asymm.explain_score(''shm'')', '15 s', false, false),
        ('drift', 'Drift', 'What differs from what was declared, who did it, and what mends it; open first.',
         'SELECT * FROM asymm.drift ORDER BY resolved_at IS NOT NULL, noticed_at DESC, id DESC LIMIT 200', '2 s', true, false),
        ('actions', 'Actions', 'The ledger: what was proposed, done and taken back, with its inverse.',
         'SELECT * FROM asymm.actions ORDER BY changed_at DESC, id DESC LIMIT 200', '2 s', true, false),
        ('advice', 'Advice', 'Indexes worth having or not: gain predicted and measured, and why.',
         'SELECT * FROM asymm.advice ORDER BY changed_at DESC, action DESC LIMIT 100', '5 s', true, false),
        ('queries', 'Queries', 'Statements of the week that take the most time.',
         'SELECT * FROM asymm.queries ORDER BY exec_ms DESC NULLS LAST LIMIT 100', '15 s', false, false),
        ('latency', 'Latency', 'Percentiles of the last hour, as far as they are known.',
         'SELECT * FROM asymm.query_latency ORDER BY calls * mean_ms DESC NULLS LAST LIMIT 100', '30 s', false, false),
        ('tables', 'Tables', 'Size, dead rows, scans and writes.',
         'SELECT * FROM asymm.table_health ORDER BY bytes DESC NULLS LAST, object LIMIT 200',
         '30 s', false, false),
        ('database', 'Database', 'Sessions, transactions, memory, the oldest transaction.', 'SELECT * FROM asymm.database_now', '15 s', false, false),
        ('lock_waits', 'Lock waits', 'Who waits for whom.', 'SELECT * FROM asymm.lock_waits', '2 s', false, false),
        ('mirror', 'Mirror', 'Mirrored tables, their state and how far behind.', 'SELECT * FROM asymm.mirror_status()', '2 s', false, false),
        ('mirror_reads', 'Reads of copies', 'What copies answered, and the time they saved.',
         'SELECT * FROM asymm.mirror_reads ORDER BY hits DESC LIMIT 100', '15 s', false, false),
        ('findings', 'Findings', 'What the sonars find wrong now, the worst first.', 'SELECT * FROM asymm.findings LIMIT 200', '5 s', true, false),
        ('alerts', 'Alerts', 'What is told, open first.',
         'SELECT * FROM asymm.alerts ORDER BY closed_at IS NOT NULL, opened_at DESC, id DESC LIMIT 100', '5 s', true, false),
        ('loops', 'Loops', 'Each loop: rate, intervals, working time.', 'SELECT * FROM asymm.heartbeat', '2 s', false, false),
        ('organs', 'Organs', 'Recurring jobs: when they ran, how long, whether they failed.', 'SELECT * FROM asymm.organs', '10 s', false, false),
        ('fleet_members', 'Databases in step', 'Databases that reported their fingerprint.', 'SELECT * FROM asymm.fleet', '30 s', false, false),
        ('doctor', 'Doctor', 'Settings, roles and jobs, and the command that mends what is missing.',
         'SELECT * FROM asymm.doctor()', '1 min', false, false),
        ('promises', 'Promises', 'Each promise: target, measured, kept or not.', 'SELECT * FROM asymm.validate()', '1 min', false, false),
        ('heartbeat', 'Heartbeat', 'A ring of what is watched; it is broken where something drifted, and a mark goes round it once a beat.',
         'SELECT * FROM asymm.draw(''heartbeat'')', '1 s', true, true),
        ('telemetry', 'Telemetry', 'System health over an hour as a spiral; colour tells the regime, thickness the load.',
         'SELECT * FROM asymm.draw(''telemetry'')', '15 s', false, true),
        ('experiments', 'Experiments', 'Index experiments as a dragon curve: a fold for each decision.', 'SELECT * FROM asymm.draw(''experiments'')',
         '15 s', true, true),
        ('mirror_overlap', 'Mirror overlap', 'How much of what the database has the mirror serves.', 'SELECT * FROM asymm.draw(''mirror_overlap'')',
         '5 s', false, true),
        ('fleet', 'Fleet', 'Databases in step as linked rings: one that is out of step is out of the link.', 'SELECT * FROM asymm.draw(''fleet'')',
         '15 s', false, true)
      ) AS t (tile, title, about, query, every, on_change, picture);
COMMENT ON VIEW asymm.tiles
    IS 'What consoles and pages show: a title, what it tells, the query that anybody who may look can run, how often it is worth asking (0: each beat), whether also when a beat tells of a change, whether its rows are points and segments of asymm.draw().';
