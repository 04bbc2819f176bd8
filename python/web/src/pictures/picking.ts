/** What is under the pointer, and the order in which the keyboard goes through a picture. */
import type { Look } from './looks';
import { type Item, type Model, PRESENCE, SIZE, X, X2, Y, Y2, Z, Z2 } from './model';
import { ROLES } from './types';
import { distanceToSegment, projector, type View } from './view';

const WORST_FIRST = ['critical', 'warning', 'accent', 'fair', 'other', 'muted', 'good'] as const satisfies readonly (typeof ROLES)[number][];

/** The nearest item within a few pixels of (x, y): a point before a segment. */
export function pick(model: Model, look: Look, view: View, x: number, y: number): Item | null {
    const project = projector(view);
    let best: Item | null = null;
    let least = 1;
    for (const item of model.items) {
        if (item.to[PRESENCE]! < 1 || (item.row.label == null && item.row.value == null)) continue;
        const { now } = item;
        const a = project(now[X]!, now[Y]!, now[Z]!);
        let distance: number;
        if (item.row.shape === 'point') {
            distance = (Math.hypot(x - a.x, y - a.y) / Math.max(9, (look.point[0] + look.point[1] * now[SIZE]!) * a.scale * 1.3)) * 0.8;
        } else {
            const reach = Math.max(8, (look.tube[0] + look.tube[1] * now[SIZE]!) * a.scale + 3);
            distance = distanceToSegment(x, y, a, project(now[X2]!, now[Y2]!, now[Z2]!)) / reach;
        }
        if (distance < least) [best, least] = [item, distance];
    }
    return best;
}

/** One item for each thing that has a name, the worst first, then as drawn. */
export function stops(model: Model): Item[] {
    const seen = new Set<string>();
    const items = model.items.filter((item) => {
        const name = `${item.row.node ?? ''}|${item.row.label ?? ''}`;
        if (item.to[PRESENCE]! < 1 || item.row.label == null || seen.has(name)) return false;
        seen.add(name);
        return true;
    });
    const rank = (item: Item): number => WORST_FIRST.indexOf(item.row.color);
    return items.map((item, place) => ({ item, place })).sort((a, b) => rank(a.item) - rank(b.item) || a.place - b.place).map(({ item }) => item);
}

/** The middle of an item in the box. */
export function middle({ row, now }: Item): [number, number, number] {
    if (row.shape === 'point') return [now[X]!, now[Y]!, now[Z]!];
    return [(now[X]! + now[X2]!) / 2, (now[Y]! + now[Y2]!) / 2, (now[Z]! + now[Z2]!) / 2];
}
