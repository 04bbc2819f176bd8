"""Every statement the driver sends. All names are qualified: a borrowed connection has any search path."""

from typing import Final, LiteralString

PIN_SEARCH_PATH: Final = "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)"
LISTEN: Final = "LISTEN asymm_pulse"
VERSION: Final = """SELECT extversion FROM pg_catalog.pg_extension
    WHERE extname OPERATOR(pg_catalog.=) 'asymmetrica'::pg_catalog.name"""

# Settings
_SETTINGS: Final = """period, notify, header_scan_every, full_scan_every, migrator_roles::pg_catalog.text[],
    migrator_applications, lock_timeout, max_actions_per_hour, max_table_bytes, relapse_limit, relapse_window,
    statement_chars, retention, weight_exploration, weight_optimization,
    weight_stabilization"""
SETTINGS: Final = f"SELECT {_SETTINGS} FROM asymm.settings"
CONFIGURE: Final = f"""SELECT {_SETTINGS} FROM asymm.configure(
    period => %(period)s, notify => %(notify)s, header_scan_every => %(header_scan_every)s,
    full_scan_every => %(full_scan_every)s, migrator_roles => %(migrator_roles)s::pg_catalog.name[],
    migrator_applications => %(migrator_applications)s::pg_catalog.text[], lock_timeout => %(lock_timeout)s,
    max_actions_per_hour => %(max_actions_per_hour)s,
    max_table_bytes => %(max_table_bytes)s, relapse_limit => %(relapse_limit)s,
    relapse_window => %(relapse_window)s, statement_chars => %(statement_chars)s, retention => %(retention)s,
    weight_exploration => %(weight_exploration)s, weight_optimization => %(weight_optimization)s,
    weight_stabilization => %(weight_stabilization)s)"""

# Annotation
ANNOTATE: Final = """SELECT symbol, scope, regime, cost, lineage, weight FROM asymm.annotate(
    symbol => %(symbol)s, scope => %(scope)s, regime => %(regime)s, cost => %(cost)s,
    lineage => %(lineage)s::pg_catalog.text[], weight => %(weight)s)"""
_ANNOTATION_SETTINGS: Final = "fidelity_lineage, fidelity_regime, fidelity_cost, fidelity_half_life"
ANNOTATION_SETTINGS: Final = f"SELECT {_ANNOTATION_SETTINGS} FROM asymm.annotation_settings"
CONFIGURE_ANNOTATIONS: Final = f"""SELECT {_ANNOTATION_SETTINGS} FROM asymm.configure_annotations(
    fidelity_lineage => %(fidelity_lineage)s, fidelity_regime => %(fidelity_regime)s,
    fidelity_cost => %(fidelity_cost)s, fidelity_half_life => %(fidelity_half_life)s)"""

# Watched objects
_WATCHED: Final = "object, kind, policy, fingerprint"
_ANNOTATION: Final = "%(annotation)s::pg_catalog.jsonb::asymm.annotation"
WATCH: Final = f"""SELECT {_WATCHED} FROM asymm.watch(
    target => %(target)s, policy => %(policy)s, annotation => {_ANNOTATION}) AS f ({_WATCHED})"""
WATCH_SCHEMA: Final = f"""SELECT {_WATCHED} FROM asymm.watch_schema(
    schema => %(schema)s, policy => %(policy)s, annotation => {_ANNOTATION}) AS f ({_WATCHED})"""
WATCH_DATABASE: Final = f"""SELECT {_WATCHED} FROM asymm.watch_database(
    policy => %(policy)s, annotation => {_ANNOTATION}) AS f ({_WATCHED})"""
UNWATCH: Final = f"SELECT {_WATCHED} FROM asymm.unwatch(target => %(target)s) AS f ({_WATCHED})"
UNWATCH_SCHEMA: Final = f"SELECT {_WATCHED} FROM asymm.unwatch_schema(schema => %(schema)s) AS f ({_WATCHED})"
UNWATCH_DATABASE: Final = f"SELECT {_WATCHED} FROM asymm.unwatch_database() AS f ({_WATCHED})"
WATCHED: Final = """SELECT object, kind, policy, fingerprint, in_step, held, annotation, by_schema,
    watched_by, watched_at, adopted_by, adopted_at, reason, checked_at
    FROM asymm.watched ORDER BY object"""
_DIFFERENCE: Final = "object, kind, part, name, attribute, declared, adopted"
ADOPT: Final = f"""SELECT {_DIFFERENCE}
    FROM asymm.adopt(target => %(target)s, reason => %(reason)s) AS f ({_DIFFERENCE})"""
FINGERPRINT: Final = "SELECT asymm.fingerprint(target => %(target)s)"
FINGERPRINT_SCHEMA: Final = "SELECT asymm.fingerprint_schema(schema => %(schema)s)"
FINGERPRINT_DATABASE: Final = "SELECT asymm.fingerprint_database()"

# Drift and ledger
DRIFT: Final = """SELECT id, object, kind, part, name, attribute, declared, actual, role, login, application,
    pg_catalog.host(client_addr) AS client_addr, ddl_at, command_tag, statement, found_by, noticed_at, policy,
    state, reason, hazards, repair, action, repaired_at, resolved_at
    FROM asymm.drift
    WHERE (%(resolved)s OR resolved_at IS NULL)
      AND (%(target)s::pg_catalog.text IS NULL OR object OPERATOR(pg_catalog.=) %(target)s::pg_catalog.text)
    ORDER BY id"""
_ACTION: Final = """SELECT id, kind, target, state, reason, requested_by, statements, inverse, hazards,
    evidence_before, evidence_after, error, tries, created_at, changed_at, applied_by, applied_at,
    duration_ms::pg_catalog.float8
    FROM asymm.actions"""
ACTIONS: Final = f"""{_ACTION}
    WHERE (%(state)s::pg_catalog.text IS NULL OR state OPERATOR(pg_catalog.=) %(state)s::pg_catalog.text)
      AND (%(target)s::pg_catalog.text IS NULL OR target OPERATOR(pg_catalog.=) %(target)s::pg_catalog.text)
    ORDER BY id"""
ACTION_HISTORY: Final = """SELECT at, from_state, to_state, by_role, note
    FROM asymm.action_history(action => %(action)s)"""
HISTORY: Final = """SELECT at, event, what, by_role, action, detail
    FROM asymm.history(target => %(target)s)"""
_STEP: Final = "action, step, statement, inverse, lock_class, hazards, state"
HEAL: Final = f"""SELECT {_STEP} FROM asymm.heal(
    target => %(target)s, dry_run => %(dry_run)s, allow_data_loss => %(allow_data_loss)s) AS f ({_STEP})"""
_UNDONE: Final = "action, step, statement, hazards, state"
REVERT: Final = f"""SELECT {_UNDONE} FROM asymm.revert(
    action => %(action)s, dry_run => %(dry_run)s, allow_data_loss => %(allow_data_loss)s) AS f ({_UNDONE})"""
_STATE: Final = "action, state, note"
DDL: Final = """SELECT id, at, role, login, application, pg_catalog.host(client_addr) AS client_addr,
    command_tag, objects, intent, intended, action, statement, seen
    FROM asymm.ddl
    WHERE %(since)s::pg_catalog.timestamptz IS NULL
       OR at OPERATOR(pg_catalog.>=) %(since)s::pg_catalog.timestamptz
    ORDER BY id"""
APPROVE: Final = f"SELECT {_STATE} FROM asymm.approve(action => %(action)s) AS f ({_STATE})"
REJECT: Final = f"""SELECT {_STATE}
    FROM asymm.reject(action => %(action)s, reason => %(reason)s) AS f ({_STATE})"""

# Sonars
HEALTH: Final = """SELECT shm, status, regime, ux, semantic, state, not_measured
    FROM asymm.health(span => %(span)s)"""
BALANCE: Final = """SELECT score, health, support, exploration, balance, place, centre, distance, not_measured
    FROM asymm.balance(span => %(span)s)"""
SONAR: Final = """SELECT sonar, node, score, status, target, severity, seen, recommended, action, evidence,
    query FROM asymm.sonar(span => %(span)s)"""
UX_SONAR: Final = """SELECT node, calls, calls_per_second, mean_ms, p50_ms, p95_ms, p99_ms, slow_queries, fps,
    cls, long_task, score, status, critique, since, source
    FROM asymm.ux_sonar(span => %(span)s, by => %(by)s)"""
VALIDATE: Final = """SELECT promise, target, measured, unit, met, how, note
    FROM asymm.validate(span => %(span)s)"""
TRACK_STATE: Final = """SELECT object, state_columns, note
    FROM asymm.track_state(target => %(target)s, columns => %(columns)s)"""
UNTRACK_STATE: Final = "SELECT asymm.untrack_state(target => %(target)s)"

STATE_SONAR: Final = """SELECT entity, columns::pg_catalog.text[], rows, states, transitions, complexity,
    distinct_rows, explosion, smt, score, status, critique, source, measured_at
    FROM asymm.state_sonar(target => %(target)s)"""
FINDINGS: Final = """SELECT id, sonar, severity, node, seen, evidence, query, recommended, action,
    action_state, times, opened_at, last_seen_at FROM asymm.findings
    WHERE %(node)s::pg_catalog.text IS NULL OR node OPERATOR(pg_catalog.=) %(node)s::pg_catalog.text"""
LEVERAGE: Final = "SELECT name, target, measured, met, how, note FROM asymm.leverage()"
EXPLAIN_SCORE: Final = """SELECT term, value, weight, adds, source, query
    FROM asymm.explain_score(name => %(name)s, span => %(span)s)"""
CONFIGURE_ENCORE: Final = """SELECT encore, owner_texts, time_limit, replay_every, max_active_sessions
    FROM asymm.configure_encore(encore => %(encore)s, owner_texts => %(owner_texts)s,
    time_limit => %(time_limit)s, replay_every => %(replay_every)s,
    max_active_sessions => %(max_active_sessions)s)"""
REPLAYS: Final = """SELECT replay, at, query, constants, cost_before::text, cost_after::text,
    confidence_before, confidence_after, latency_ms, usual_ms, taught, lesson, annotation, error
    FROM asymm.replays WHERE query = %(query)s OR %(query)s IS NULL ORDER BY replay DESC LIMIT %(limit)s"""
KNOWLEDGE: Final = """SELECT play, growth, cost_gain, confidence_gain, indexes, indexes_taught, replays,
    replays_taught FROM asymm.knowledge(span => %(span)s)"""
METRICS: Final = "SELECT metric, unit, kind, source, step, nodes, first, last FROM asymm.metrics"
SERIES: Final = """SELECT at, value, min, max, count FROM asymm.series(metric => %(metric)s,
    "from" => %(since)s, "to" => %(until)s, bucket => %(bucket)s, node => %(node)s)"""

# Graph
NODES: Final = """SELECT node, kind, what, state, relation::pg_catalog.text, query, first_seen, last_seen
    FROM asymm.nodes
    WHERE %(kind)s::pg_catalog.text IS NULL OR kind OPERATOR(pg_catalog.=) %(kind)s::pg_catalog.text
    ORDER BY node"""
FLOWS: Final = """SELECT source, target, kind, declared, calls, last_fired, mean_ms, variance_ms2, query,
    first_seen FROM asymm.flows
    WHERE %(node)s::pg_catalog.text IS NULL OR %(node)s::pg_catalog.text OPERATOR(pg_catalog.=) source
       OR %(node)s::pg_catalog.text OPERATOR(pg_catalog.=) target
    ORDER BY source, target, kind"""
IMPACT: Final = """SELECT touched, kind, distance, attenuation, path
    FROM asymm.impact(node => %(node)s, operation => %(operation)s)"""
PATH: Final = "SELECT place, node, kind, flow FROM asymm.path(source => %(source)s, target => %(target)s)"
ROUTE: Final = """SELECT place, role, node, state, ms, calls, plan_cost, success, score, best,
    remark
    FROM asymm.route(query => %(query)s)"""
_SAID: Final = """name, state, said_by::pg_catalog.text[], fidelity,
    ARRAY(SELECT pg_catalog.jsonb_build_array(c.symbol, c.scope, c.regime, c.cost, c.lineage, c.weight)
          FROM pg_catalog.unnest(f.context) WITH ORDINALITY
              AS c (symbol, scope, regime, cost, lineage, weight, place) ORDER BY c.place) AS context"""
ANNOTATION_OF: Final = f"SELECT {_SAID} FROM asymm.annotation_of(node => %(node)s) AS f"
ANNOTATE_NODE: Final = f"""SELECT {_SAID} FROM asymm.annotate(node => %(node)s, annotation => asymm.annotate(
    symbol => %(symbol)s, scope => %(scope)s, regime => %(regime)s, cost => %(cost)s,
    lineage => %(lineage)s::pg_catalog.text[], weight => %(weight)s)) AS f"""
UNANNOTATE: Final = f"SELECT {_SAID} FROM asymm.unannotate(node => %(node)s) AS f"

# What statements cost
_COST: Final = "cost::pg_catalog.text, place, node, relation, condition, remedy, reason, plan"
OBSERVE_COST: Final = f"""SELECT {_COST}
    FROM asymm.observe_cost(query => %(query)s::pg_catalog.text, path => %(path)s::pg_catalog.text)"""
OBSERVE_COST_OF: Final = f"SELECT {_COST} FROM asymm.observe_cost(query => %(query)s::pg_catalog.int8)"
ASSERT_COST: Final = "SELECT asymm.assert_cost(query => %(query)s, cost => %(cost)s, path => %(path)s)"
QUERY_COSTS: Final = """SELECT query, role, command, statement, cost::pg_catalog.text, place, node, relation,
    condition, time_exponent, blocks_exponent, size_ratio, confirmed, not_planned, looked_at
    FROM asymm.query_costs ORDER BY query"""
_EXPECTATION: Final = """expectation, statement, cost::pg_catalog.text, latency, state, since,
    seen_cost::pg_catalog.text, seen_latency, place, node, relation, condition, reason, checked_at,
    declared_by, declared_at"""
EXPECT: Final = f"""SELECT {_EXPECTATION} FROM asymm.expect(query => %(query)s::pg_catalog.text,
    cost => %(cost)s, latency => %(latency)s, path => %(path)s::pg_catalog.text)"""
EXPECT_OF: Final = f"""SELECT {_EXPECTATION} FROM asymm.expect(query => %(query)s::pg_catalog.int8,
    cost => %(cost)s, latency => %(latency)s)"""
UNEXPECT: Final = f"SELECT {_EXPECTATION} FROM asymm.unexpect(expectation => %(expectation)s)"
EXPECTATIONS: Final = f"""SELECT {_EXPECTATION} FROM asymm.expectations
    WHERE %(state)s::pg_catalog.text IS NULL OR state OPERATOR(pg_catalog.=) %(state)s::pg_catalog.text
    ORDER BY expectation"""

# Policies by rule
SET_POLICY: Final = """SELECT asymm.set_policy(policy => %(policy)s, pattern => %(pattern)s, kind => %(kind)s,
    hazard => %(hazard)s, larger_than => %(larger_than)s)"""
UNSET_POLICY: Final = """SELECT rule, policy, pattern, kind, hazard, larger_than, set_by
    FROM asymm.unset_policy(id => %(id)s)"""
POLICIES: Final = """SELECT id, policy, pattern, kind, hazard, larger_than, conditions, set_by, set_at
    FROM asymm.policies ORDER BY id"""
POLICY_FOR: Final = """SELECT object, kind, hazard, policy, decided_by, conditions, set_by, lost
    FROM asymm.policy_for(target => %(target)s)"""

# Indexes
ADVICE: Final = """SELECT action, kind, target, index, state, definition, size_bytes,
    predicted_ms_per_hour::pg_catalog.float8, measured_ms_per_hour::pg_catalog.float8, proved, why, reason,
    progress, problem, statement, inverse, queries, tries, created_at, changed_at, built_at
    FROM asymm.advice
    WHERE (%(target)s::pg_catalog.text IS NULL OR target OPERATOR(pg_catalog.=) %(target)s)
      AND (%(state)s::pg_catalog.text IS NULL OR state OPERATOR(pg_catalog.=) %(state)s)
    ORDER BY predicted_ms_per_hour DESC NULLS LAST, action"""
AUTOPILOT: Final = "SELECT autopilot, approved, proposed, note FROM asymm.autopilot(%(mode)s)"
_INDEX_SETTINGS: Final = """autopilot, index_budget, max_index_build_bytes, max_database_bytes, quiet_hours,
    max_active_sessions, build_wait, validation_min, validation_max, validation_confidence, max_regression,
    advice_expires, unused_after, search_every, workload_window, workload_step, build_unproved"""
INDEX_SETTINGS: Final = f"SELECT {_INDEX_SETTINGS} FROM asymm.index_settings"
CONFIGURE_INDEXES: Final = f"""SELECT {_INDEX_SETTINGS} FROM asymm.configure_indexes(
    autopilot => %(autopilot)s, index_budget => %(index_budget)s,
    max_index_build_bytes => %(max_index_build_bytes)s, max_database_bytes => %(max_database_bytes)s,
    quiet_hours => %(quiet_hours)s, max_active_sessions => %(max_active_sessions)s,
    build_wait => %(build_wait)s, validation_min => %(validation_min)s,
    validation_max => %(validation_max)s, validation_confidence => %(validation_confidence)s,
    max_regression => %(max_regression)s, advice_expires => %(advice_expires)s,
    unused_after => %(unused_after)s, search_every => %(search_every)s,
    workload_window => %(workload_window)s, workload_step => %(workload_step)s,
    build_unproved => %(build_unproved)s)"""
TAKE_INDEX_COMMAND: Final = "SELECT asymm._take_index_command()"
BUILDER_WAIT: Final = """SELECT pg_catalog.set_config('lock_timeout', pg_catalog.concat(
    EXTRACT(epoch FROM build_wait)::pg_catalog.int8, 's'), false) FROM asymm.index_settings"""
BUILDER_ENDED: Final = "SELECT asymm._builder_ended(%(problem)s)"

# Everything at once, and other databases
_OBJECT_STEP: Final = "action, step, object, statement, inverse, lock_class, hazards, state"
HEAL_ALL: Final = f"""SELECT {_OBJECT_STEP} FROM asymm.heal_all(
    dry_run => %(dry_run)s, allow_data_loss => %(allow_data_loss)s) AS f ({_OBJECT_STEP})"""
_DOCUMENT: Final = """d OPERATOR(pg_catalog.->>) 'fingerprint' AS fingerprint,
    pg_catalog.jsonb_array_length(d OPERATOR(pg_catalog.->) 'objects') AS objects,
    (d OPERATOR(pg_catalog.#>>) '{scope,database}')::pg_catalog.bool AS whole_database,
    ARRAY(SELECT pg_catalog.jsonb_array_elements_text(d OPERATOR(pg_catalog.#>) '{scope,schemas}'))
        AS schemas,
    pg_catalog.jsonb_pretty(d) AS document"""
BASELINE: Final = f"SELECT {_DOCUMENT} FROM asymm.baseline() AS d"
PRESENT_STATE: Final = f"SELECT {_DOCUMENT} FROM asymm.present_state() AS d"
_DEVIATION: Final = "kind, object, part, name, attribute, declared, actual"
DIFF: Final = f"""SELECT {_DEVIATION}
    FROM asymm.diff(document => %(document)s::pg_catalog.jsonb) AS f ({_DEVIATION})"""
IMPORT_BASELINE: Final = """SELECT fingerprint, objects, approved
    FROM asymm.import_baseline(document => %(document)s::pg_catalog.jsonb)"""
IMPORTED: Final = """SELECT fingerprint, imported_by, imported_at, approved_by, approved_at, whole_database,
    schemas, objects, kinds FROM asymm.imported ORDER BY imported_at"""
_DEFINITION: Final = "kind, object, part, name, attribute, definition"
IMPORTED_DEFINITIONS: Final = f"""SELECT {_DEFINITION}
    FROM asymm.imported_definitions(fingerprint => %(fingerprint)s) AS f ({_DEFINITION})"""
_APPROVED: Final = "object, kind, policy, change"
APPROVE_BASELINE: Final = f"""SELECT {_APPROVED} FROM asymm.approve_baseline(
    fingerprint => %(fingerprint)s, policy => %(policy)s) AS f ({_APPROVED})"""
DISCARD_BASELINE: Final = "SELECT objects FROM asymm.discard_baseline(fingerprint => %(fingerprint)s)"
_MEMBER: Final = "name, fingerprint, label, seen_at, changed_at, reported_by, agrees_with"
FLEET: Final = f"SELECT {_MEMBER} FROM asymm.fleet ORDER BY name"
REPORT_TO_FLEET: Final = f"""SELECT {_MEMBER} FROM asymm.report_to_fleet(
    name => %(name)s, fingerprint => %(fingerprint)s, label => %(label)s)
    AS f (name, fingerprint, label, seen_at, changed_at, reported_by, agrees_with)"""
LEAVE_FLEET: Final = "SELECT asymm.leave_fleet(name => %(name)s)"

# Pulse
CREATE_ACTOR: Final = "SELECT statement, result FROM asymm.create_actor(name => %(name)s, owner => %(owner)s)"
START: Final = """SELECT job, job_name, schedule, command
    FROM asymm.start(actor => %(actor)s, forced => %(forced)s)"""
STOP: Final = "SELECT object, result FROM asymm.stop(actor => %(actor)s)"
_HEALING: Final = "healing, cause, changed_by, changed_at"
PAUSE: Final = f"SELECT {_HEALING} FROM asymm.pause(reason => %(reason)s) AS f ({_HEALING})"
RESUME: Final = f"SELECT {_HEALING} FROM asymm.resume() AS f ({_HEALING})"
BEAT: Final = "SELECT asymm.beat()"
CYCLE: Final = "SELECT asymm.cycle()"
CALL_PULSE: Final = "CALL asymm.pulse(duration => %(duration)s, lane => %(lane)s, forced => %(forced)s)"
HEARTBEAT: Final = """SELECT actor, lane, alive, seq, beat_at, age, rate, rate_wanted, interval_p50_ms,
    interval_p99_ms, interval_max_ms, missed_last_minute, missed, skipped, work_mean_ms, work_p99_ms,
    clock_jumps, paused, stopped, pid, run_at, version
    FROM asymm.heartbeat ORDER BY actor, lane"""
DOCTOR: Final = "SELECT check_name, status, seen, remedy FROM asymm.doctor()"
_ORGAN: Final = """name, lane, regime, cadence, enabled, runs, failures, failures_in_row, last_run_at,
    last_ms, mean_ms, total_ms, share, due_at, last_error, purpose"""
ORGANS: Final = f"SELECT {_ORGAN} FROM asymm.organs ORDER BY lane, name"
CONFIGURE_ORGAN: Final = f"""SELECT {_ORGAN} FROM asymm.configure_organ(
    name => %(name)s, enabled => %(enabled)s, cadence => %(cadence)s)"""
PULSE_STOPPED: Final = """SELECT stopped FROM asymm.heartbeat
    WHERE actor OPERATOR(pg_catalog.=) CURRENT_USER AND lane OPERATOR(pg_catalog.=) %(lane)s"""
PULSE_ENDED: Final = "SELECT pg_catalog.current_setting('asymm.pulse_ended', true)"

# Installing: used by `asymmetrica init` only.
CREATE_EXTENSION: Final = "CREATE EXTENSION IF NOT EXISTS asymmetrica"
UPDATE_EXTENSION: Final = "ALTER EXTENSION asymmetrica UPDATE"

_: LiteralString = CONFIGURE  # every statement here is a literal, as psycopg asks for

# Mirror
MIRROR_STATUS: Final = """SELECT object, state, epoch, rows, format, lag_bytes::pg_catalog.int8, lag, error
    FROM asymm.mirror_status()"""
