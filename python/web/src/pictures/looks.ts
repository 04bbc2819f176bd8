/** How each picture looks, and what its shapes mean in plain words. */
import type { PictureName, Role } from './types';

/** What a point of a role looks like: colour is never the only difference. */
export type Glyph = 'disc' | 'square' | 'triangle' | 'diamond' | 'bullseye' | 'ring' | 'dash';

export const GLYPHS: Record<Role, Glyph> = {
    good: 'disc', fair: 'square', warning: 'triangle', critical: 'diamond', accent: 'bullseye', other: 'ring', muted: 'dash',
};

/** Which share of its length a segment of a role has: good ones are whole, the others dashes. */
export const DASHES: Record<Role, number> = {
    good: 1, accent: 1, fair: 0.74, warning: 0.55, other: 0.62, critical: 0.42, muted: 0.36,
};

export function dashOf(look: Look, role: Role): number {
    return look.dashes?.[role] ?? DASHES[role];
}

export interface Legend {
    role: Role;
    shape: 'point' | 'segment';
    means: string;
}

export interface Look {
    title: string;
    about: string;
    /** What to say while there are no rows. */
    empty: string;
    /** Radius of tubes and points in units of the box, for size 0 and what size 1 adds. */
    tube: readonly [number, number];
    point: readonly [number, number];
    /** Half of what is shown. */
    reach: number;
    /** Tilt at rest, and how far it sways by itself. */
    tilt: readonly [number, number];
    sway: number;
    /** Segments pass over and under each other. */
    woven?: boolean;
    /** Closed lines of one label are filled. */
    filled?: boolean;
    /** Where dashes would hide the form: shares of the length instead of those of DASHES. */
    dashes?: Partial<Record<Role, number>>;
    legend: readonly Legend[];
}

export const LOOKS: Record<PictureName, Look> = {
    heartbeat: {
        title: 'Heartbeat',
        about: 'The ring is what is watched. It is open where something differs from what was declared. The mark goes round once a beat; '
            + 'the inner points are the last cycles of the loop.',
        empty: 'Nothing is watched and no loop has beaten yet.',
        tube: [0.008, 0.05], point: [0.013, 0.04], reach: 1.3, tilt: [0, 0], sway: 0,
        legend: [
            { role: 'good', shape: 'segment', means: 'as declared' },
            { role: 'fair', shape: 'segment', means: 'put right within the hour' },
            { role: 'critical', shape: 'point', means: 'differs now, or a cycle that missed beats' },
            { role: 'good', shape: 'point', means: 'a cycle of the loop' },
            { role: 'warning', shape: 'point', means: 'a cycle whose slowest beat took over 50 ms' },
            { role: 'accent', shape: 'point', means: 'the beat' },
        ],
    },
    telemetry: {
        title: 'Telemetry',
        about: 'One figure over time on a golden spiral, the newest outside. Colour is health at that time, thickness the load; '
            + 'a gap is a time without a measurement.',
        empty: 'Nothing was measured in this span yet.',
        tube: [0.004, 0.022], point: [0.007, 0.022], reach: 1.14, tilt: [0, 0], sway: 0,
        legend: [
            { role: 'good', shape: 'point', means: 'health 85 % or more' },
            { role: 'fair', shape: 'point', means: '70 to 85 %' },
            { role: 'warning', shape: 'point', means: 'below 70 %' },
            { role: 'muted', shape: 'point', means: 'health not measured' },
        ],
    },
    experiments: {
        title: 'Experiments',
        about: 'A strip of paper, folded once by each of the last ten decisions about an index: to the right where it was kept, '
            + 'to the left where it was not.',
        empty: 'No index was tried yet.',
        tube: [0.003, 0.016], point: [0.01, 0.02], reach: 1.1, tilt: [0, 0], sway: 0,
        legend: [
            { role: 'good', shape: 'segment', means: 'kept' },
            { role: 'fair', shape: 'segment', means: 'tried and not kept' },
            { role: 'muted', shape: 'segment', means: 'where the strip begins' },
        ],
    },
    mirror_overlap: {
        title: 'Mirror overlap',
        about: 'Left what the database has, right what the mirror serves; the overlap is the share of rows that the mirror may answer now. '
            + 'Each table is a point, the larger the more rows.',
        empty: 'There are no tables yet.',
        tube: [0.004, 0.012], point: [0.008, 0.034], reach: 1.14, tilt: [0, 0], sway: 0, filled: true,
        legend: [
            { role: 'accent', shape: 'segment', means: 'the database' },
            { role: 'good', shape: 'segment', means: 'the mirror' },
            { role: 'good', shape: 'point', means: 'a table served from the mirror' },
            { role: 'other', shape: 'point', means: 'a table only in the database' },
        ],
    },
    fleet: {
        title: 'Fleet',
        about: 'Databases in step hold together like rings of which none may be missing. Where one differs from the others its ring is '
            + 'cut, and all lie apart.',
        empty: 'There is no database to show.',
        tube: [0.012, 0.055], point: [0.02, 0.03], reach: 1.16, tilt: [0.5, -0.55], sway: 0.13, woven: true,
        dashes: { warning: 1, critical: 0.6 },
        legend: [
            { role: 'good', shape: 'segment', means: 'in step' },
            { role: 'warning', shape: 'segment', means: 'apart, since another differs' },
            { role: 'critical', shape: 'segment', means: 'differs' },
        ],
    },
};
