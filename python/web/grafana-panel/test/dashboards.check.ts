/** What Grafana's own library makes of the dashboards' field settings: empty cells, words with colours, thresholds, units. */
import {
    applyFieldOverrides, createTheme, type DataFrame, type FieldConfigPropertyItem, type FieldConfigSource, FieldType, identityOverrideProcessor,
    PanelOptionsEditorBuilder, standardEditorsRegistry, standardFieldConfigEditorRegistry, toDataFrame,
} from '@grafana/data';
import { beforeAll, describe, expect, it } from 'vitest';

import { offer, type Options } from '../src/options';

interface Panel { title: string; type: string; fieldConfig: FieldConfigSource }

const BOARDS = import.meta.glob<{ panels: Panel[] }>('../../../src/asymmetrica/grafana/dashboards/*.json', { eager: true });
const PANELS = Object.values(BOARDS).flatMap(({ panels }) => panels);
const KNOWN = ['displayName', 'unit', 'decimals', 'noValue', 'mappings', 'thresholds', 'color', 'min', 'max', 'links'];
const CUSTOM = ['custom.width', 'custom.cellOptions'];

/** A frame with a column for each that a panel has settings for. */
function shown(panel: Panel, values: Record<string, unknown> = {}): DataFrame {
    const names = panel.fieldConfig.overrides.filter(({ matcher }) => matcher.id === 'byName').map(({ matcher }) => String(matcher.options));
    const frame = toDataFrame({ fields: names.map((name) => ({ name, type: FieldType.other, values: [values[name] ?? null] })) });
    for (const field of frame.fields) field.type = typeof values[field.name] === 'number' ? FieldType.number : FieldType.string;
    return applyFieldOverrides({
        data: [frame], fieldConfig: panel.fieldConfig, replaceVariables: (text) => text, theme: createTheme(), timeZone: 'utc',
    })[0]!;
}

function cell(title: string, name: string, value: unknown) {
    const frame = shown(PANELS.find((panel) => panel.title === title)!, { [name]: value });
    return frame.fields.find((field) => field.name === name)!.display!(value);
}

beforeAll(() => {
    // As @grafana/ui registers them: it is these that a panel's settings may name.
    standardFieldConfigEditorRegistry.setInit(() => KNOWN.map((id): FieldConfigPropertyItem => ({
        id, path: id, name: id, description: '', process: identityOverrideProcessor, shouldApply: () => true,
        editor: () => null, override: () => null, settings: {},
    } as unknown as FieldConfigPropertyItem)));
    standardEditorsRegistry.setInit(() => ['select', 'radio', 'boolean'].map((id) => ({ id, name: id, editor: () => null })));
});

describe('dashboards', () => {
    it('name settings that there are', () => {
        const named = PANELS.flatMap((panel) => panel.fieldConfig.overrides.flatMap(({ properties }) => properties.map(({ id }) => id)));
        expect([...new Set(named)].filter((id) => ![...KNOWN, ...CUSTOM].includes(id))).toEqual([]);
        expect(PANELS.length).toBeGreaterThan(60);
    });

    it('leave cells without a value empty, while a panel without rows says why', () => {
        for (const panel of PANELS.filter(({ type }) => type === 'table')) {
            expect(panel.fieldConfig.defaults.noValue).toBeTruthy();
            const texts = shown(panel).fields.map((field) => [field.name, field.display!(null).text]);
            expect(texts.filter(([, text]) => text !== '')).toEqual([]);
        }
    });

    it('say of a figure without a value that it is not measured', () => {
        expect(cell('Scores of the last hour', 'System health', null).text).toBe('not measured');
    });

    it('colour states and keep their words', () => {
        const theme = createTheme();
        for (const [word, color] of [['failed', 'red'], ['proposed', 'blue'], ['verified', 'green']] as const) {
            expect(cell('Actions', 'state', word)).toMatchObject({ text: word, color: theme.visualization.getColorByName(color) });
        }
        expect(cell('Actions', 'state', 'something new').text).toBe('something new');
    });

    it('turn orange and red from where they should', () => {
        const theme = createTheme();
        const color = (title: string, name: string, value: number) => cell(title, name, value).color;
        const [green, orange, red] = ['green', 'orange', 'red'].map((name) => theme.visualization.getColorByName(name));
        expect([0.9, 0.6, 0.4].map((value) => color('Scores of the last hour', 'System health', value))).toEqual([green, orange, red]);
        expect([0.1, 0.3, 0.6].map((value) => color('Tables', 'dead_share', value))).toEqual([green, orange, red]);
        expect([0, 1].map((value) => color('Open now', 'Critical findings', value))).toEqual([green, red]);
    });

    it('have units', () => {
        expect(cell('Tables', 'bytes', 3 * 1024 * 1024)).toMatchObject({ text: '3', suffix: ' MiB' });
        expect(cell('Tables', 'dead_share', 0.125)).toMatchObject({ text: '12.5', suffix: '%' });
        expect(cell('Mirrored tables', 'lag', 90)).toMatchObject({ text: '1.50', suffix: ' mins' });
    });
});

describe('options', () => {
    it('are a picture, its dimensions and its words', () => {
        const builder = new PanelOptionsEditorBuilder<Options>();
        offer(builder);
        expect(builder.getItems().map(({ path, defaultValue }) => [path, defaultValue])).toEqual([
            ['picture', 'heartbeat'], ['dimensions', '3d'], ['labels', true],
        ]);
    });
});
