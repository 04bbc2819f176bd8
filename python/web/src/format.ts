/** Values as people read them. The server sends times as ISO 8601 in UTC and intervals as seconds. */
import type { Role } from './pictures';

export const NONE = '–';

export function number(value: unknown, digits = 4): string {
    if (value == null) return NONE;
    const figure = Number(value);
    if (!Number.isFinite(figure)) return String(value);
    return Number.isInteger(figure) ? figure.toLocaleString('en') : figure.toLocaleString('en', { maximumSignificantDigits: digits });
}

export function percent(value: unknown): string {
    return value == null ? NONE : `${(Number(value) * 100).toLocaleString('en', { maximumFractionDigits: 1 })} %`;
}

export function bytes(value: unknown): string {
    if (value == null) return NONE;
    let rest = Number(value);
    if (!Number.isFinite(rest)) return String(value);
    for (const unit of ['B', 'kB', 'MB', 'GB', 'TB']) {
        if (Math.abs(rest) < 1000 || unit === 'TB') return `${rest.toLocaleString('en', { maximumSignificantDigits: 3 })} ${unit}`;
        rest /= 1024;
    }
    return NONE;
}

export function milliseconds(value: unknown): string {
    return value == null ? NONE : seconds(Number(value) / 1000);
}

/** A span of time in the unit that fits. */
export function seconds(value: unknown): string {
    if (value == null) return NONE;
    const span = Number(value);
    if (!Number.isFinite(span)) return String(value);
    const size = Math.abs(span);
    const show = (unit: number, name: string): string => `${(span / unit).toLocaleString('en', { maximumSignificantDigits: 3 })} ${name}`;
    if (size === 0) return '0 s';
    if (size < 0.001) return show(1e-6, 'µs');
    if (size < 1) return show(0.001, 'ms');
    if (size < 120) return show(1, 's');
    if (size < 7200) return show(60, 'min');
    if (size < 172800) return show(3600, 'h');
    return show(86400, 'days');
}

/** The time of day where the reader is; with its day if that is not today. */
export function time(value: unknown): string {
    if (value == null) return NONE;
    const date = new Date(String(value));
    if (Number.isNaN(date.getTime())) return String(value);
    const clock = date.toLocaleTimeString('en-GB');
    return date.toDateString() === new Date().toDateString() ? clock : `${date.toLocaleDateString('en-CA')} ${clock}`;
}

export function plain(value: unknown): string {
    if (value == null) return NONE;
    if (typeof value === 'string') return value;
    if (typeof value === 'number') return number(value, 6);
    if (typeof value === 'boolean') return value ? 'yes' : 'no';
    if (Array.isArray(value) && value.every((part) => typeof part !== 'object')) return value.join(', ');
    return JSON.stringify(value);
}

/** The sign of each role, the same as in the pictures: colour is never the only meaning. */
export const SIGNS: Record<Role, string> = { good: '●', fair: '■', warning: '▲', critical: '◆', accent: '◉', other: '○', muted: '–' };

const ROLES_OF: Record<string, Role> = {
    good: 'good', ok: 'good', verified: 'good', applied: 'good', healed: 'good', live: 'good', kept: 'good', yes: 'good', closed: 'muted',
    fair: 'fair', adopted: 'fair', info: 'fair', reverted: 'fair', reverting: 'accent',
    warning: 'warning', warn: 'warning', building: 'accent', stale: 'warning',
    critical: 'critical', error: 'critical', failed: 'critical', open: 'critical', no: 'critical', lost: 'critical', fail: 'critical',
    proposed: 'accent', approved: 'accent', applying: 'accent',
    rejected: 'muted', expired: 'muted', unknown: 'muted', skipped: 'muted', gone: 'muted',
};

export function roleOf(state: unknown): Role {
    return ROLES_OF[plain(state).toLowerCase()] ?? 'muted';
}
