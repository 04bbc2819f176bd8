/** The same in words: what a part of a picture is, and what all of it says, for tooltips and screen readers. */
import { LOOKS } from './looks';
import type { DrawnRow, PictureName } from './types';

export interface Wrong {
    what: string;
    detail: string;
}

export interface Description {
    summary: string;
    wrong: Wrong[];
}

/** What the value of a row says; empty where it says nothing. */
export function valueText(picture: PictureName, row: DrawnRow): string {
    const value = row.value;
    if (value == null) return '';
    switch (picture) {
        case 'heartbeat':
            if (!row.node?.startsWith('loop:')) {
                if (row.color === 'critical') return plural(value, 'open difference');
                return row.color === 'fair' ? `as declared; ${plural(value, 'difference')} put right within the hour` : 'as declared';
            }
            return isMark(row) ? (row.color === 'muted' ? 'not beating' : 'beating') : `slowest beat ${figure(value)} ms`;
        case 'telemetry':
            return row.label ? '' : figure(value);
        case 'experiments':
            return '';
        case 'mirror_overlap':
            return row.shape === 'segment' ? `the mirror serves ${percent(value)} of the rows` : plural(Math.round(value), 'row');
        case 'fleet':
            return value === 1 ? 'same as most' : 'differs from the others';
    }
}

/** The mark that goes round once a beat: its row is on the ring, where the beat was when it was asked for. */
export function isMark(row: DrawnRow): boolean {
    return row.shape === 'point' && (row.color === 'accent' || row.color === 'muted') && row.node?.startsWith('loop:') === true
        && Math.abs(Math.hypot(row.x, row.y) - 1) < 0.01;
}

export function describe(picture: PictureName, rows: readonly DrawnRow[]): Description {
    if (rows.length === 0) return { summary: LOOKS[picture].empty, wrong: [] };
    const wrong = rows
        .filter((row) => row.label != null && (row.color === 'critical' || (row.color === 'warning' && picture !== 'fleet')))
        .map((row) => ({ what: row.label ?? '', detail: valueText(picture, row) }))
        .filter((one, index, all) => all.findIndex((other) => other.what === one.what) === index);
    return { summary: summary(picture, rows, wrong), wrong };
}

function summary(picture: PictureName, rows: readonly DrawnRow[], wrong: readonly Wrong[]): string {
    switch (picture) {
        case 'heartbeat': {
            const watched = names(rows.filter((row) => row.node?.startsWith('entity:')));
            const drifted = names(rows.filter((row) => row.node?.startsWith('entity:') && row.color === 'critical'));
            const marks = rows.filter(isMark);
            const beat = marks.some((row) => row.color === 'accent') ? `The loop beats ${figure(marks[0]?.value ?? 0)} times a second.`
                : marks.length > 0 ? 'The loop does not beat.' : 'No loop has beaten yet.';
            const ring = drifted === 0 ? `The ring is closed: ${plural(watched, 'object')} as declared.`
                : `The ring is open: ${drifted} of ${plural(watched, 'object')} differ.`;
            return `${watched === 0 ? 'Nothing is watched.' : ring} ${beat}`;
        }
        case 'telemetry': {
            const points = rows.filter((row) => row.shape === 'point');
            const values = points.map((row) => row.value).filter((value) => value != null);
            if (values.length === 0) return LOOKS.telemetry.empty;
            return `${plural(points.length, 'measurement')} from ${points[0]?.label?.split(': ')[0]} to ${points.at(-1)?.label?.split(': ')[0]}: `
                + `lowest ${figure(Math.min(...values))}, highest ${figure(Math.max(...values))}, now ${figure(values.at(-1) ?? 0)}.`;
        }
        case 'experiments': {
            const decisions = new Map(rows.filter((row) => row.label != null).map((row) => [row.node, row.color]));
            const kept = [...decisions.values()].filter((color) => color === 'good').length;
            if (decisions.size === 0) return LOOKS.experiments.empty;
            return `${plural(decisions.size, 'decision')} about indexes: ${kept} kept, ${decisions.size - kept} not.`;
        }
        case 'mirror_overlap': {
            const share = rows.find((row) => row.shape === 'segment')?.value ?? 0;
            const tables = rows.filter((row) => row.shape === 'point');
            const served = tables.filter((row) => row.color === 'good').length;
            return `The mirror serves ${percent(share)} of the rows: ${served} of ${plural(tables.length, 'table')}.`;
        }
        case 'fleet': {
            const members = names(rows);
            return wrong.length > 0 ? `${wrong.length} of ${plural(members, 'database')} differ: ${wrong.map((one) => one.what).join(', ')}.`
                : members === 1 ? 'One database; no other was imported to compare it with.' : `${plural(members, 'database')} in step.`;
        }
    }
}

function names(rows: readonly DrawnRow[]): number {
    return new Set(rows.map((row) => row.node)).size;
}

function plural(count: number, noun: string): string {
    return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

function percent(share: number): string {
    return `${(share * 100).toLocaleString('en', { maximumFractionDigits: 1 })} %`;
}

function figure(value: number): string {
    return value.toLocaleString('en', { maximumSignificantDigits: 4 });
}
