// @vitest-environment happy-dom
import { describe as suite, expect, test } from 'vitest';
import { LAYOUTS } from '../src/columns';
import { driftChoices, whyNot } from '../src/decisions';
import * as format from '../src/format';
import { Grid } from '../src/grid';
import { contrast, PALETTES } from '../src/pictures';
import { Store } from '../src/store';
import { Parser } from '../src/stream';
import css from '../src/style.css?raw';
import type { Row } from '../src/types';

const EVIL = '<img src=x onerror=alert(1)>';

suite('colours', () => {
    const colours = css.matchAll(/--(\w+): light-dark\((#\w{6}), (#\w{6})\)/g);
    const named = new Map([...colours].map(([, name, light, dark]) => [name!, { light: light!, dark: dark! }]));
    const of = (name: string, theme: 'light' | 'dark'): string => named.get(name)![theme];

    test.each(['light', 'dark'] as const)('words and controls are readable in %s (WCAG AA)', (theme) => {
        for (const ground of ['ground', 'panel']) {
            for (const ink of ['ink', 'soft', 'good', 'fair', 'warning', 'critical', 'accent']) {
                expect(contrast(of(ink, theme), of(ground, theme)), `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5);
            }
            for (const part of ['control', 'other', 'muted']) expect(contrast(of(part, theme), of(ground, theme)), part).toBeGreaterThanOrEqual(3);
        }
    });

    test.each(['light', 'dark'] as const)('the page and the pictures have the same colours in %s', (theme) => {
        for (const [role, colour] of Object.entries(PALETTES[theme].roles)) expect(of(role, theme)).toBe(colour);
        expect([of('panel', theme), of('ink', theme)]).toEqual([PALETTES[theme].ground, PALETTES[theme].ink]);
    });
});

suite('events', () => {
    test('are the same however they are cut', () => {
        const text = 'retry: 1000\n:\n\nid: a-1\nevent: state\ndata: {"x":\ndata: 1}\n\n:\n\nid: a-2\r\nevent: patch\r\ndata: {}\r\n\r\n';
        const whole = new Parser().push(text);
        expect(whole).toEqual([{ id: 'a-1', event: 'state', data: '{"x":\n1}' }, { id: 'a-2', event: 'patch', data: '{}' }]);
        for (let size = 1; size < 9; size++) {
            const parser = new Parser();
            const parts = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
            expect(parts.flatMap((part) => parser.push(part)), `in pieces of ${size}`).toEqual(whole);
        }
    });
});

suite('store', () => {
    const state = { seq: 1, boot: 'b', me: { role: 'r', operator: true, actions: false }, catalog: {}, tiles: {},
        connection: { state: 'up', since: '2026-01-01T00:00:00Z', message: null } };

    test('is live only while the line and the database are', () => {
        const store = new Store();
        const seen: string[] = [];
        store.on('standing', () => seen.push(store.standing));
        store.setLine('open');
        store.take('state', state);
        store.take('patch', { seq: 2, tiles: {}, connection: { state: 'down', since: '', message: 'x' } });
        store.setLine('gone');
        expect(seen).toEqual(['waiting', 'live', 'down', 'gone']);
    });

    test('without the right there is no button, and a reason', () => {
        const store = new Store();
        const row = { object: 'a', resolved_at: null, action: 7 };
        store.take('state', state);
        expect(whyNot(store)).toContain('--allow-actions');
        expect(driftChoices(store, row)).toEqual([]);
        store.take('state', { ...state, me: { role: 'r', operator: false, actions: true } });
        expect(whyNot(store)).toContain('asymm_operator');
        store.take('state', { ...state, me: { role: 'r', operator: true, actions: true },
            tiles: { actions: { at: '', error: null, columns: ['id', 'state'], rows: [[7, 'proposed']] } } });
        expect(whyNot(store)).toBeNull();
        expect(driftChoices(store, row).map((choice) => choice.label)).toEqual(['Approve', 'Heal']);
        expect(driftChoices(store, { ...row, resolved_at: '2026-01-01' })).toEqual([]);
    });
});

suite('tables', () => {
    const make = (rows: Row[]): { grid: Grid; names: () => (string | null)[]; head: (label: string) => HTMLElement } => {
        const grid = new Grid({ title: 'Drift', layout: LAYOUTS.drift! });
        grid.update(rows);
        const names = (): (string | null)[] => [...grid.element.querySelectorAll('tbody th')].map((cell) => cell.textContent);
        const head = (label: string): HTMLElement =>
            [...grid.element.querySelectorAll<HTMLElement>('thead button')].find((button) => button.textContent === label)!;
        return { grid, names, head };
    };
    const rows = ['b', 'a', EVIL, 'c10', 'c9'].map((object, id) => ({ id, object, state: 'open', noticed_at: null }));

    test('sort, filter, and stay as they are where nothing changed', () => {
        const { grid, names, head } = make(rows);
        head('Object').click();
        expect(names()).toEqual([EVIL, 'a', 'b', 'c9', 'c10']);
        expect(grid.element.querySelector('[aria-sort]')!.getAttribute('aria-sort')).toBe('ascending');
        head('Object').click();
        expect(names()[0]).toBe('c10');
        const line = grid.element.querySelector('tbody tr');
        grid.update(rows.map((row) => ({ ...row, state: row.object === 'a' ? 'healed' : row.state })));
        expect(grid.element.querySelector('tbody tr')).toBe(line);
        const filter = grid.element.querySelector('input')!;
        filter.value = 'HEALED';
        filter.dispatchEvent(new Event('input'));
        expect(names()).toEqual(['a']);
        grid.update([]);
        expect(names()).toEqual([]);
    });

    test('show names as text, and only a few rows at first', () => {
        const { grid, names } = make(Array.from({ length: 30 }, (_, id) => ({ id, object: EVIL + id })));
        expect(names()).toHaveLength(8);
        expect(names()[0]).toBe(`${EVIL}0`);
        expect(grid.element.querySelector('img')).toBeNull();
        grid.element.querySelector<HTMLElement>('.more')!.click();
        expect(names()).toHaveLength(30);
    });
});

test.each([
    [format.seconds(0.00025), '250 µs'], [format.seconds(0.2037), '204 ms'], [format.seconds(90), '90 s'], [format.seconds(null), '–'],
    [format.bytes(1536), '1.5 kB'], [format.percent(0.9471), '94.7 %'], [format.number(1234567), '1,234,567'], [format.plain(['a', 'b']), 'a, b'],
    [format.number('Infinity'), 'Infinity'], [format.roleOf('proposed'), 'accent'], [format.roleOf(EVIL), 'muted'],
])('%s reads %s', (said, wanted) => expect(said).toBe(wanted));
