/** The few words within a picture: names of what is wrong, of rings and circles. Always set as text, never as markup. */
import type { Item, Model } from './model';
import { PRESENCE, X, X2, Y, Y2, Z, Z2 } from './model';
import type { PictureName } from './types';
import { projector, type View } from './view';

export interface Word {
    text: string;
    x: number;
    y: number;
    align: 'left' | 'center' | 'right';
}

const MOST = 8;
const LONGEST = 36;
/** Pixels a letter takes at most. */
const LETTER = 7.3;

export function words(picture: PictureName, model: Model, view: View): Word[] {
    const project = projector(view);
    const result: Word[] = [];
    const add = (text: string | null, at: readonly [number, number, number], away: number): void => {
        if (!text || result.length >= MOST) return;
        const place = project(...at);
        const angle = Math.atan2(place.y - view.height / 2, place.x - view.width / 2);
        const side = Math.cos(angle);
        const align = side > 0.3 ? 'left' : side < -0.3 ? 'right' : 'center';
        const short = shorten(text);
        // All of a word stays within the picture.
        const width = short.length * LETTER + 6;
        const [before, after] = { left: [0, width], center: [width / 2, width / 2], right: [width, 0] }[align] as [number, number];
        const x = Math.max(before, Math.min(view.width - after, place.x + Math.cos(angle) * away));
        const y = Math.max(10, Math.min(view.height - 10, place.y + Math.sin(angle) * away));
        if (result.some((other) => Math.abs(other.y - y) < 15 && Math.abs(other.x - x) < 90)) return;
        result.push({ text: short, x, y, align });
    };
    const there = model.items.filter((item) => item.to[PRESENCE] === 1);
    switch (picture) {
        case 'heartbeat':
            for (const item of there) {
                if (item.row.shape === 'point' && item.row.color === 'critical' && item.row.node?.startsWith('entity:')) {
                    add(item.row.label, [item.now[X]!, item.now[Y]!, item.now[Z]!], 20);
                }
            }
            break;
        case 'telemetry': {
            const last = there.filter((item) => item.row.shape === 'point').at(-1);
            if (last) add(last.row.label, [last.now[X]!, last.now[Y]!, last.now[Z]!], 16);
            break;
        }
        case 'mirror_overlap':
        case 'fleet':
            for (const [name, line] of byLabel(there)) {
                const side = name === 'Mirror' ? 1 : -1;
                const far = (item: Item): number => {
                    if (picture === 'mirror_overlap') return item.now[Y]! + side * 0.8 * item.now[X]!;
                    const place = project(item.now[X2]!, item.now[Y2]!, item.now[Z2]!);
                    return Math.hypot(place.x - view.width / 2, place.y - view.height / 2);
                };
                const item = line.reduce((best, other) => (far(other) > far(best) ? other : best));
                add(item.row.label, [item.now[X2]!, item.now[Y2]!, item.now[Z2]!], 14);
            }
            break;
        case 'experiments':
    }
    return result;
}

function byLabel(items: readonly Item[]): Map<string, Item[]> {
    const lines = new Map<string, Item[]>();
    for (const item of items) {
        if (item.row.shape !== 'segment') continue;
        const line = lines.get(item.row.label ?? '');
        if (line) line.push(item);
        else lines.set(item.row.label ?? '', [item]);
    }
    return lines;
}

function shorten(text: string): string {
    const letters = [...text.replace(/\s+/g, ' ')];
    return letters.length > LONGEST ? `${letters.slice(0, LONGEST - 1).join('')}…` : letters.join('');
}
