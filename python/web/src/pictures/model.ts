/** What is on show and how it moves from one state to the next: nothing is rebuilt, so nothing flickers. */
import { isMark } from './describe';
import { type Palette, rgb } from './palette';
import type { DrawnRow, PictureName } from './types';

/** Places in an item's numbers; presence goes from 0 (not there) to 1. */
export const X = 0, Y = 1, Z = 2, X2 = 3, Y2 = 4, Z2 = 5, SIZE = 6, RED = 7, GREEN = 8, BLUE = 9, PRESENCE = 10;
const COUNT = 11;

export interface Item {
    key: string;
    row: DrawnRow;
    mark: boolean;
    from: Float64Array;
    to: Float64Array;
    now: Float64Array;
}

export class Model {
    items: Item[] = [];
    /** Grows whenever anything but a running mark has changed. */
    version = 0;
    private began = 0;
    private lasts = 0;
    private moving = false;
    private readonly picture: PictureName;
    private palette: Palette;

    constructor(picture: PictureName, palette: Palette) {
        this.picture = picture;
        this.palette = palette;
    }

    /** Takes new rows at a time (ms); they are where they belong after `lasts` ms. */
    update(rows: readonly DrawnRow[], time: number, lasts: number): void {
        const before = new Map(this.items.map((item) => [item.key, item]));
        const times = new Map<string, number>();
        const items: Item[] = rows.map((row) => {
            const name = `${row.shape}|${row.node ?? ''}|${row.label ?? ''}`;
            const nth = (times.get(name) ?? 0) + 1;
            times.set(name, nth);
            const key = `${name}|${nth}`;
            const to = this.numbers(row);
            const old = before.get(key);
            before.delete(key);
            const from = old ? old.now.slice() : to.slice();
            if (!old) from[PRESENCE] = 0;
            return { key, row, mark: this.picture === 'heartbeat' && isMark(row), from, to, now: from.slice() };
        });
        for (const gone of before.values()) {
            if (gone.now[PRESENCE]! <= 0 || lasts === 0) continue;
            const to = gone.to.slice();
            to[PRESENCE] = 0;
            items.push({ ...gone, from: gone.now.slice(), to });
        }
        this.items = items;
        this.began = time;
        this.lasts = lasts;
        this.moving = true;
        this.step(time);
    }

    /** Moves everything to where it is at this time; true while there is more to come. */
    step(time: number): boolean {
        if (!this.moving) return false;
        const share = this.lasts > 0 ? Math.min(1, Math.max(0, (time - this.began) / this.lasts)) : 1;
        const eased = 1 - (1 - share) ** 3;
        for (const { from, to, now } of this.items) {
            for (let place = 0; place < COUNT; place++) now[place] = from[place]! + (to[place]! - from[place]!) * eased;
        }
        if (share >= 1) {
            this.moving = false;
            this.items = this.items.filter((item) => item.to[PRESENCE]! > 0);
        }
        this.version++;
        return this.moving;
    }

    repaint(palette: Palette): void {
        this.palette = palette;
        for (const item of this.items) {
            const colour = rgb(palette.roles[item.row.color]);
            for (const numbers of [item.from, item.to, item.now]) numbers.set(colour, RED);
        }
        this.version++;
    }

    /** Where a running mark is, as an angle clockwise from the top: one turn a beat since the rows came. */
    markAngle(item: Item, time: number): number {
        const beats = (Math.max(0, time - this.began) / 1000) * (item.row.value ?? 0);
        return Math.atan2(item.row.x, item.row.y) + 2 * Math.PI * (beats % 1);
    }

    private numbers(row: DrawnRow): Float64Array {
        const [r, g, b] = rgb(this.palette.roles[row.color]);
        return Float64Array.of(row.x, row.y, row.z, row.x2 ?? row.x, row.y2 ?? row.y, row.z2 ?? row.z, row.size, r, g, b, 1);
    }
}

/** The ends of a segment as it is drawn: a dash of its share of the length, in the middle. */
export function dash(numbers: Float64Array, share: number): [number, number, number, number, number, number] {
    const half = share / 2;
    const [x, y, z, x2, y2, z2] = numbers as unknown as [number, number, number, number, number, number];
    const [mx, my, mz] = [(x + x2) / 2, (y + y2) / 2, (z + z2) / 2];
    const [dx, dy, dz] = [(x2 - x) * half, (y2 - y) * half, (z2 - z) * half];
    return [mx - dx, my - dy, mz - dz, mx + dx, my + dy, mz + dz];
}

/** The dots behind a running mark: angle back from it and share of its size. */
export const TRAIL: readonly (readonly [number, number])[] = Array.from({ length: 18 }, (_, n) => [(n + 1) * 0.055, 0.9 * (1 - (n + 1) / 20)]);
