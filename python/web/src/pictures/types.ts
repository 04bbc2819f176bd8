/** What asymm.draw() returns and what a picture is asked to do. */

export const ROLES = ['good', 'fair', 'warning', 'critical', 'accent', 'other', 'muted'] as const;
export type Role = (typeof ROLES)[number];
export type Theme = 'light' | 'dark';
export type PictureName = 'heartbeat' | 'telemetry' | 'experiments' | 'mirror_overlap' | 'fleet';

/** A row of asymm.draw(): a point, or a segment from (x, y, z) to (x2, y2, z2), in a box from -1 to 1. */
export interface DrawnRow {
    shape: 'point' | 'segment';
    x: number;
    y: number;
    z: number;
    x2: number | null;
    y2: number | null;
    z2: number | null;
    /** 0 to 1: thickness of a segment, radius of a point. */
    size: number;
    color: Role;
    label: string | null;
    value: number | null;
    node: string | null;
}

export interface PictureOptions {
    picture: PictureName;
    theme: Theme;
    /** No movement but what the rows themselves bring: transitions, tilting and the running mark are off. */
    reducedMotion: boolean;
    /** Draw on a 2-D canvas even where WebGL is at hand: small pictures, tests. */
    force2d?: boolean;
    /** A small copy: no keyboard focus, no hover, no words. */
    thumbnail?: boolean;
    /** What the pointer or the keyboard is on, null when on nothing. */
    onHover?: (row: DrawnRow | null) => void;
}

export interface Picture {
    /** Shows these rows; what stays moves to its new place, what is new grows, what is gone shrinks away. */
    update(rows: DrawnRow[]): void;
    /** Fits the picture to its host; a ResizeObserver does it too. */
    resize(): void;
    setTheme(theme: Theme): void;
    setReducedMotion(reduced: boolean): void;
    /** Whether the rows are of now: the mark runs only then. */
    setLive(live: boolean): void;
    /** The picture as it stands, with its words and ground, as PNG. */
    toPng(): Promise<Blob>;
    dispose(): void;
    /** 2d until three.js is there, and where WebGL is not. */
    readonly mode: 'webgl' | '2d';
    /** Settles when it is decided between WebGL and 2-D. */
    readonly ready: Promise<void>;
}

const NUMBERS = ['x', 'y', 'z', 'x2', 'y2', 'z2', 'size', 'value'] as const;

/** Rows as the server and Grafana send them (columns and values) as drawn rows; anything that can't be drawn is left out. */
export function drawnRows(columns: readonly string[], rows: readonly (readonly unknown[])[]): DrawnRow[] {
    const place = new Map(columns.map((name, index) => [name, index]));
    const take = (row: readonly unknown[], name: string): unknown => row[place.get(name) ?? -1];
    const result: DrawnRow[] = [];
    for (const row of rows) {
        const shape = take(row, 'shape');
        const [x, y, z, x2, y2, z2, size, value] = NUMBERS.map((name) => toNumber(take(row, name)));
        const color = take(row, 'color');
        if (x == null || y == null || (shape !== 'point' && shape !== 'segment')) continue;
        if (shape === 'segment' && (x2 == null || y2 == null)) continue;
        result.push({
            shape, x, y, z: z ?? 0, x2: x2 ?? null, y2: y2 ?? null, z2: z2 ?? null,
            size: Math.min(1, Math.max(0, size ?? 0)),
            color: ROLES.find((role) => role === color) ?? 'muted',
            label: toText(take(row, 'label')), value: value ?? null, node: toText(take(row, 'node')),
        });
    }
    return result;
}

function toNumber(value: unknown): number | null {
    const number = typeof value === 'string' && value !== '' ? Number(value) : value;
    return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

function toText(value: unknown): string | null {
    return value == null ? null : String(value);
}
