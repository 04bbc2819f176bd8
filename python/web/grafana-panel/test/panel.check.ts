/** What becomes of a result of Grafana's before it is drawn, with Grafana's own data library. */
import { FieldType, PanelPlugin, toDataFrame } from '@grafana/data';
import { describe, expect, it } from 'vitest';

import { plugin } from '../src/module';
import { chosen, DEFAULTS, PICTURES } from '../src/options';
import { found } from '../src/rows';

const COLUMNS = ['shape', 'x', 'y', 'z', 'x2', 'y2', 'z2', 'size', 'color', 'label', 'value', 'node'];
const SEGMENT = ['segment', 0, 1, 0, 1, 0, 0, 0.5, 'good', 'shop.orders', 3, 'entity:shop.orders'];
const POINT = ['point', 0.1, 0.2, 0.3, null, null, null, 2, 'purple', '<b>', null, null];

function frame(names: string[], rows: unknown[][]) {
    return toDataFrame({ fields: names.map((name, place) => ({ name, type: FieldType.other, values: rows.map((row) => row[place]) })) });
}

describe('rows', () => {
    it('are taken from a table', () => {
        const { rows, missing } = found([frame(COLUMNS, [SEGMENT, POINT])]);
        expect(missing).toEqual([]);
        expect(rows).toHaveLength(2);
        expect(rows[0]).toMatchObject({ shape: 'segment', x: 0, y: 1, x2: 1, y2: 0, size: 0.5, color: 'good', label: 'shop.orders', value: 3 });
        expect(rows[1]).toMatchObject({ shape: 'point', z: 0.3, size: 1, color: 'muted', label: '<b>', value: null, node: null });
    });

    it('are found whatever the columns are displayed as', () => {
        const upper = frame(COLUMNS.map((name) => ` ${name.toUpperCase()} `), [SEGMENT]);
        const named = frame(COLUMNS.map((_, place) => `c${place}`), [SEGMENT]);
        named.fields.forEach((field, place) => { field.config.displayName = COLUMNS[place]; });
        const renamed = frame(COLUMNS, [SEGMENT]);
        renamed.fields[1]!.config.displayName = 'y';
        for (const one of [upper, named, renamed]) expect(found([one]).rows).toEqual(found([frame(COLUMNS, [SEGMENT])]).rows);
    });

    it('are those of the first result that has the columns, in any order', () => {
        const other = frame(['time', 'value'], [[1, 2]]);
        const turned = frame([...COLUMNS].reverse(), [[...SEGMENT].reverse()]);
        expect(found([other, turned]).rows).toEqual(found([frame(COLUMNS, [SEGMENT])]).rows);
    });

    it('are none where columns are missing, and these are named', () => {
        expect(found([frame(['shape', 'x', 'label'], [['point', 1, 'a']])])).toEqual({ rows: [], missing: ['y'] });
        expect(found([frame(['a'], [[1]]), frame(['x', 'y'], [[1, 2]])])).toEqual({ rows: [], missing: ['shape'] });
        expect(found([frame(['shape', 'x', 'y'], [['point', 1, 0], ['segment', 1, 0]])]).rows).toHaveLength(1);
    });

    it('are none without a result', () => {
        const nothing = { rows: [], missing: [] };
        expect(found([])).toEqual(nothing);
        expect(found([frame([], [])])).toEqual(nothing);
        expect(found([frame(COLUMNS, [])])).toEqual(nothing);
    });

    it('leave out what can not be drawn, and read numbers that come as text', () => {
        const bad = [['point', 'NaN', 1], ['point', null, 1], ['circle', 1, 1], ['point', Infinity, 0], ['point', '0.5', '-0.5']];
        expect(found([frame(['shape', 'x', 'y'], bad)]).rows).toMatchObject([{ x: 0.5, y: -0.5 }]);
    });
});

describe('options', () => {
    it('have defaults, whatever a dashboard says', () => {
        for (const said of [undefined, {}, { picture: 'moon' as never, dimensions: 4 as never, labels: 'no' as never }]) {
            expect(chosen(said)).toEqual(DEFAULTS);
        }
        expect(chosen({ picture: 'fleet', dimensions: '2d', labels: false })).toEqual({ picture: 'fleet', dimensions: '2d', labels: false });
    });

    it('are offered by the plugin', () => {
        expect(plugin).toBeInstanceOf(PanelPlugin);
        expect(plugin.noPadding).toBe(true);
        expect(PICTURES.map(({ value }) => value)).toEqual(['heartbeat', 'telemetry', 'experiments', 'mirror_overlap', 'fleet']);
    });
});
