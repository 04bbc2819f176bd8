/** Which columns of a tile are shown, in which words; all of a row is in its details. */
import type { Row } from './types';

export type Kind = 'text' | 'code' | 'number' | 'bytes' | 'ms' | 'seconds' | 'percent' | 'time' | 'state';

export interface Column {
    name: string;
    label: string;
    kind: Kind;
    /** Left out where there is little room. */
    minor?: boolean;
}

export interface Layout {
    columns: readonly Column[];
    key: (row: Row) => string;
    empty: string;
}

const column = (name: string, label: string, kind: Kind = 'text'): Column => ({ name, label, kind });
const minor = (name: string, label: string, kind: Kind = 'text'): Column => ({ name, label, kind, minor: true });
const by = (...names: string[]) => (row: Row): string => names.map((name) => String(row[name])).join('\u0000');

export const LAYOUTS: Record<string, Layout> = {
    drift: {
        key: by('id'), empty: 'Everything watched is as it was declared.',
        columns: [column('object', 'Object'), column('state', 'State', 'state'), column('part', 'Part'), column('name', 'Name'),
            minor('attribute', 'What'), column('role', 'By'), column('noticed_at', 'Noticed', 'time'), minor('policy', 'Policy'),
            minor('repair', 'What mends it', 'code')],
    },
    actions: {
        key: by('id'), empty: 'Nothing was proposed or done yet.',
        columns: [column('target', 'Object'), column('state', 'State', 'state'), column('kind', 'Action'), minor('statements', 'Statements', 'code'),
            minor('requested_by', 'Asked by'), column('changed_at', 'Since', 'time'), minor('duration_ms', 'Took', 'ms')],
    },
    advice: {
        key: by('action'), empty: 'No index is worth having or dropping, as far as was looked.',
        columns: [column('index', 'Index'), column('state', 'State', 'state'), column('kind', 'Advice'), column('target', 'Table'),
            column('predicted_ms_per_hour', 'Saves an hour, predicted', 'ms'), column('measured_ms_per_hour', 'Measured', 'ms'),
            minor('size_bytes', 'Size', 'bytes'), minor('reason', 'Why')],
    },
    queries: {
        key: by('query'), empty: 'No statement was seen yet; without pg_stat_statements there is none to see.',
        columns: [column('statement', 'Statement', 'code'), column('share', 'Share of time', 'percent'), column('exec_ms', 'Time', 'ms'),
            column('calls', 'Calls', 'number'), column('mean_ms', 'Mean', 'ms'), minor('rows', 'Rows', 'number'), minor('role', 'Role'),
            minor('not_planned', 'Not planned, why')],
    },
    latency: {
        key: by('query', 'source', 'route'), empty: 'No statement ran in the last hour.',
        columns: [column('statement', 'Statement', 'code'), column('calls', 'Calls', 'number'), column('p50_ms', 'Half within', 'ms'),
            column('p95_ms', '95 % within', 'ms'), column('p99_ms', '99 % within', 'ms'), column('usual_ms', 'Usual mean', 'ms'),
            minor('route', 'Route'), minor('source', 'Known from')],
    },
    tables: {
        key: by('object'), empty: 'There are no tables.',
        columns: [column('object', 'Table'), column('bytes', 'Size', 'bytes'), column('rows', 'Rows', 'number'),
            column('dead_share', 'Dead', 'percent'), minor('scans', 'Full scans', 'number'), minor('index_scans', 'Index scans', 'number'),
            minor('written', 'Written', 'number'), minor('hot_share', 'HOT', 'percent'), minor('last_vacuum', 'Vacuumed', 'time'),
            column('policy', 'Policy'), column('drifted', 'Open differences', 'number')],
    },
    lock_waits: {
        key: by('pid'), empty: 'Nobody waits for anybody.',
        columns: [column('pid', 'Session', 'number'), column('role', 'Role'), column('waits_for', 'Waits for'), column('waiting', 'For', 'seconds'),
            column('blocked_by', 'Blocked by'), minor('blocks', 'Blocks others', 'number'), minor('application', 'Application')],
    },
    mirror: {
        key: by('id'), empty: 'Nothing is mirrored.',
        columns: [column('object', 'Table'), column('state', 'State', 'state'), column('rows', 'Rows', 'number'), column('lag', 'Behind', 'seconds'),
            minor('lag_bytes', 'Behind', 'bytes'), minor('applied_at', 'Applied', 'time'), column('error', 'Error'), minor('cause', 'Cause')],
    },
    mirror_reads: {
        key: by('schema_name', 'table_name'), empty: 'No read was answered by a copy yet.',
        columns: [column('table_name', 'Table'), column('hits', 'Hits', 'number'), column('misses', 'Misses', 'number'),
            column('hit_rate', 'Hit rate', 'percent'), column('saved', 'Time saved', 'seconds'), minor('bytes', 'Size', 'bytes')],
    },
    findings: {
        key: by('id'), empty: 'No sonar finds anything wrong.',
        columns: [column('node', 'Where'), column('severity', 'Severity', 'state'), column('seen', 'Seen'), column('recommended', 'Recommended'),
            minor('sonar', 'Sonar'), minor('opened_at', 'Since', 'time'), minor('times', 'Times', 'number')],
    },
    alerts: {
        key: by('id'), empty: 'No alert was raised.',
        columns: [column('about', 'About'), column('severity', 'Severity', 'state'), column('seen', 'Seen'), column('opened_at', 'Opened', 'time'),
            column('closed_at', 'Closed', 'time'), minor('acknowledged_by', 'Acknowledged by'), minor('sent', 'Sent', 'number'),
            minor('waiting', 'Waiting', 'number'), minor('dead', 'Undeliverable', 'number')],
    },
    loops: {
        key: by('actor', 'lane'), empty: 'No loop was ever started: SELECT * FROM asymm.start(\'asymm_actor\').',
        columns: [column('actor', 'Actor'), column('lane', 'Lane'), column('alive', 'Beats', 'state'), column('rate', 'Beats a second', 'number'),
            column('interval_p99_ms', '99 % of intervals', 'ms'), column('work_mean_ms', 'Work a beat', 'ms'), column('missed', 'Missed', 'number'),
            minor('skipped', 'Skipped', 'number'), minor('paused', 'Paused')],
    },
    organs: {
        key: by('name'), empty: 'There are no recurring jobs.',
        columns: [column('name', 'Job'), column('purpose', 'Does'), column('enabled', 'On', 'text'), column('last_run_at', 'Ran', 'time'),
            column('last_ms', 'Took', 'ms'), minor('mean_ms', 'Mean', 'ms'), column('failures', 'Failures', 'number'), minor('share', 'Share',
                'percent'),
            minor('cadence', 'Every', 'seconds')],
    },
    fleet_members: {
        key: by('name'), empty: 'No other database reported its fingerprint.',
        columns: [column('name', 'Database'), column('fingerprint', 'Fingerprint', 'code'), column('agrees_with', 'Same as'),
            column('seen_at', 'Seen', 'time'), minor('changed_at', 'Changed', 'time')],
    },
    doctor: {
        key: by('check_name', 'seen'), empty: 'Nothing was checked.',
        columns: [column('check_name', 'Check'), column('status', 'Status', 'state'), column('seen', 'Seen'), column('remedy', 'What mends it',
            'code')],
    },
    promises: {
        key: by('promise', 'how'), empty: 'Nothing is promised.',
        columns: [column('promise', 'Promise'), column('met', 'Kept', 'state'), column('target', 'Target'), column('measured', 'Measured', 'number'),
            column('unit', 'Unit'), minor('how', 'How'), minor('note', 'Note')],
    },
    health_terms: {
        key: by('term', 'query'), empty: 'Nothing was measured yet.',
        columns: [column('term', 'Term'), column('value', 'Value', 'number'), column('weight', 'Weight', 'number'), column('adds', 'Adds', 'number'),
            column('source', 'From'), column('query', 'Query that shows its rows', 'code')],
    },
};

/** The order of the page: health, database, queries, tables, drift and actions first of all since one acts there, then copies. */
export const SECTIONS: readonly (readonly [string, readonly string[]])[] = [
    ['Drift and actions', ['drift', 'actions']],
    ['Indexes', ['advice']],
    ['Workload', ['queries', 'latency', 'lock_waits', 'tables']],
    ['Copies', ['mirror', 'mirror_reads']],
    ['What is wrong', ['findings', 'alerts']],
    ['The system itself', ['loops', 'organs', 'doctor', 'promises', 'fleet_members']],
];
