-- From the first snapshot to 0.1.0. Whatever sql/schema/ holds that 0.0.1 did not have comes here as DDL; functions and
-- views that were dropped or whose signature changed are dropped here, since sql/api/ follows and only replaces.

-- The DDL log can be read for one table alone: another signature.
DROP FUNCTION asymm._process_ddl();

-- More columns.
DROP VIEW asymm.heartbeat;
DROP FUNCTION asymm._process_grants(bigint[]);
DROP FUNCTION asymm._compare_headers(text, bigint);

-- A beat is committed in two halves: what drifted, then how it is repaired. Readers lock the view before the table.
DROP VIEW asymm.watched;
ALTER TABLE asymm.baseline_state ADD COLUMN unplanned text;
COMMENT ON COLUMN asymm.baseline_state.unplanned IS 'Set while drift is recorded that has no plan yet: why its repair is to be held back, or empty.';
CREATE INDEX baseline_state_unplanned ON asymm.baseline_state (baseline_id) WHERE unplanned IS NOT NULL;
DROP FUNCTION asymm._merge_reports(jsonb, jsonb);

-- While the catalogs stay as they are, no watched table needs to be asked.
CREATE TABLE asymm.catalogs_seen (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT catalogs_seen_only_row CHECK (only_row),
    horizon xid8,
    rows bigint[],
    full_horizon xid8,
    full_rows bigint[],
    full_at timestamptz
);
INSERT INTO asymm.catalogs_seen DEFAULT VALUES;
COMMENT ON TABLE asymm.catalogs_seen IS 'What the last scans saw of the catalogs as a whole.';
COMMENT ON COLUMN asymm.catalogs_seen.horizon IS 'The oldest transaction that ran when headers were compared: all before it was finished.';
COMMENT ON COLUMN asymm.catalogs_seen.rows IS 'How many rows each catalog had, if every watched table was in step; see asymm._catalog_rows().';
COMMENT ON COLUMN asymm.catalogs_seen.full_horizon IS 'The same for the last scan that read everything, with full_rows over all catalogs that facts are read from.';
COMMENT ON COLUMN asymm.catalogs_seen.full_at IS 'When everything was read last.';

-- A beat asks at once whether there is anything to do.
DROP FUNCTION asymm._beat_begin(text, text, boolean);

-- The DDL log asks the guards itself, and only where there is one: a second function was called with everybody's DDL. DDL that is
-- under way calls it still, so it stays.
DROP EVENT TRIGGER asymm_guard_end;
DROP EVENT TRIGGER asymm_guard_drop;
