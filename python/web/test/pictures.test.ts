// @vitest-environment happy-dom
import { describe as suite, expect, test } from 'vitest';
import { contrast, createPicture, describe, drawnRows, type DrawnRow, LOOKS, PALETTES, type PictureName } from '../src/pictures';
import { Model, PRESENCE, RED, X } from '../src/pictures/model';
import { pick, stops } from '../src/pictures/picking';
import { projector, type View } from '../src/pictures/view';
import { words } from '../src/pictures/words';

const COLUMNS = ['shape', 'x', 'y', 'z', 'x2', 'y2', 'z2', 'size', 'color', 'label', 'value', 'node'];
const EVIL = '"><img src=x onerror=alert(1)>';
const arc = (label: string, color = 'good', x = 0): unknown[] => ['segment', x, 1, 0, x + 0.1, 1, 0, 0.3, color, label, 0, `entity:${label}`];
const point = (label: string, color = 'critical', x = 0, y = 1.1): unknown[] =>
    ['point', x, y, 0, null, null, null, 1, color, label, 1, `entity:${label}`];
const MARK = ['point', 0, 1, 0, null, null, null, 0.8, 'accent', '4.909 beats a second', 4.909, 'loop:actor/fast'];
const rows = (...values: unknown[][]): DrawnRow[] => drawnRows(COLUMNS, values);
const view: View = { width: 400, height: 300, tiltX: 0, tiltY: 0, reach: 1.2 };

suite('rows', () => {
    test('what cannot be drawn is left out, the rest is put into bounds', () => {
        const drawn = rows(['circle', 0, 0], ['segment', 0, 0, 0, null, 1, 0],
            ['point', 'NaN', 0], ['point', '0.5', 0, null, null, null, null, 7, 'pink', 3]);
        expect(drawn).toEqual([{
            shape: 'point', x: 0.5, y: 0, z: 0, x2: null, y2: null, z2: null, size: 1, color: 'muted', label: '3', value: null, node: null,
        }]);
    });
});

suite('palette', () => {
    test.each(['light', 'dark'] as const)('every role stands out in %s', (theme) => {
        const { ground, ink, roles } = PALETTES[theme];
        for (const colour of Object.values(roles)) expect(contrast(colour, ground)).toBeGreaterThanOrEqual(3);
        expect(contrast(ink, ground)).toBeGreaterThanOrEqual(7);
    });
});

suite('model', () => {
    test('what stays moves, what is new grows, what is gone shrinks away', () => {
        const model = new Model('heartbeat', PALETTES.dark);
        model.update(rows(arc('a'), arc('b')), 0, 0);
        expect(model.items.map((item) => item.now[PRESENCE])).toEqual([1, 1]);
        const a = model.items[0]!;
        model.update(rows(arc('a', 'good', 1), arc('c')), 1000, 100);
        const moving = (): Record<string, number> => Object.fromEntries(model.items.map((item) => [item.row.label, item.now[PRESENCE]!]));
        expect(moving()).toEqual({ a: 1, c: 0, b: 1 });
        expect(model.step(1050)).toBe(true);
        expect(model.items[0]!.key).toBe(a.key);
        expect(model.items[0]!.now[X]).toBeGreaterThan(0.5);
        expect(moving().b).toBeLessThan(0.5);
        expect(model.step(1100)).toBe(false);
        expect(model.items.map((item) => [item.row.label, item.now[X]])).toEqual([['a', 1], ['c', 0]]);
    });

    test('a colour changes with its role and its theme', () => {
        const model = new Model('fleet', PALETTES.dark);
        model.update(rows(arc('a')), 0, 0);
        const red = model.items[0]!.now[RED];
        model.update(rows(arc('a', 'critical')), 0, 0);
        expect(model.items[0]!.now[RED]).not.toBe(red);
        model.repaint(PALETTES.light);
        expect(model.items[0]!.now[RED]).toBeCloseTo(0xc2 / 255);
    });

    test('the mark makes one turn a beat, from where the rows have it', () => {
        const model = new Model('heartbeat', PALETTES.dark);
        model.update(rows(MARK, arc('a')), 5000, 0);
        const mark = model.items.find((item) => item.mark)!;
        expect(model.items.filter((item) => item.mark)).toHaveLength(1);
        expect(model.markAngle(mark, 5000)).toBe(0);
        expect(model.markAngle(mark, 5000 + 250 / 4.909)).toBeCloseTo(Math.PI / 2);
    });
});

suite('view', () => {
    test('the middle is in the middle, all of the box is on the screen, near is large', () => {
        for (const shape of [view, { ...view, width: 100, height: 900 }]) {
            const project = projector(shape);
            expect(project(0, 0, 0)).toMatchObject({ x: shape.width / 2, y: shape.height / 2 });
            for (const [x, y] of [[1, 1], [-1, -1]] as const) {
                expect(project(x, y, 0).x).toBeGreaterThan(0);
                expect(project(x, y, 0).x).toBeLessThan(shape.width);
                expect(project(x, y, 0).y).toBeLessThan(shape.height);
            }
            expect(project(0, 0, 1).scale).toBeGreaterThan(project(0, 0, 0).scale);
        }
        expect(projector({ ...view, tiltY: Math.PI / 2 })(0, 0, 1).x).toBeGreaterThan(view.width / 2);
        expect(projector({ ...view, tiltX: Math.PI / 2 })(0, 0, 1).y).toBeGreaterThan(view.height / 2);
    });

    test('pointer and keyboard find what is there, the worst first', () => {
        const model = new Model('heartbeat', PALETTES.dark);
        model.update(rows(arc('a'), arc('a', 'good', 0.1), point('b'), MARK), 0, 0);
        const place = projector(view)(0, 1.1, 0);
        expect(pick(model, LOOKS.heartbeat, view, place.x, place.y)?.row.label).toBe('b');
        expect(pick(model, LOOKS.heartbeat, view, 5, 5)).toBeNull();
        expect(stops(model).map((item) => item.row.label)).toEqual(['b', '4.909 beats a second', 'a']);
    });
});

suite('words', () => {
    test('what drifted is told in words, within the picture', () => {
        const model = new Model('heartbeat', PALETTES.dark);
        model.update(rows(arc('a'), point('x'.repeat(80), 'critical', -1.1, 0)), 0, 0);
        const [word] = words('heartbeat', model, view);
        expect(word).toMatchObject({ text: `${'x'.repeat(35)}…`, align: 'right' });
        expect(word!.x).toBeGreaterThan(35 * 7);
    });

    test.each([
        ['heartbeat', rows(arc('a'), arc('b'), MARK), 'The ring is closed: 2 objects as declared. The loop beats 4.909 times a second.'],
        ['heartbeat', rows(arc('a'), point('b')), 'The ring is open: 1 of 2 objects differ. No loop has beaten yet.'],
        ['telemetry', [], LOOKS.telemetry.empty],
        ['fleet', rows(arc('x'), arc('y', 'critical')), '1 of 2 databases differ: y.'],
        ['mirror_overlap', rows(['segment', 0, 0, 0, 1, 0, 0, 1, 'good', 'Mirror', 0.25, null], point('t', 'other')),
            'The mirror serves 25 % of the rows: 0 of 1 table.'],
    ] as [PictureName, DrawnRow[], string][])('%s in words', (picture, drawn, said) => {
        expect(describe(picture, drawn).summary).toBe(said);
    });
});

suite('picture', () => {
    test('names are text wherever they are shown, and the keyboard tells of them', () => {
        const host = document.createElement('div');
        document.body.append(host);
        const chosen: (string | null)[] = [];
        const onHover = (row: DrawnRow | null): void => void chosen.push(row?.label ?? null);
        const picture = createPicture(host, { picture: 'heartbeat', theme: 'light', reducedMotion: true, force2d: true, onHover });
        picture.update(rows(arc('a'), point(EVIL)));
        const stage = host.querySelector<HTMLElement>('[role=application]')!;
        expect(stage.getAttribute('aria-label')).toContain('The ring is open: 1 of 2 objects differ.');
        stage.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }));
        expect(chosen).toEqual([EVIL]);
        expect(host.querySelector('[aria-live]')!.textContent).toBe(`${EVIL}\n1 open difference (1 of 2)`);
        expect(host.querySelector('img, script')).toBeNull();
        expect(picture.mode).toBe('2d');
        picture.dispose();
        expect(host.childElementCount).toBe(0);
    });
});
