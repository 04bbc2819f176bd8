/** A page that stands in for Grafana: gives a plugin React, and as much of Grafana's data library as it asks for, and shows its panel. */
import * as React from 'react';
import { createRoot, type Root } from 'react-dom/client';

interface Loaded { plugin: { panel: React.ComponentType<Record<string, unknown>>; offer: (builder: unknown) => void } }

const ThemeContext = React.createContext({ isDark: true });

class PanelPlugin {
    offer: (builder: unknown) => void = () => undefined;
    constructor(readonly panel: React.ComponentType<Record<string, unknown>>) {}
    setNoPadding(): this { return this; }
    setPanelOptions(offer: (builder: unknown) => void): this { this.offer = offer; return this; }
}

const modules: Record<string, unknown> = { react: React, '@grafana/data': { PanelPlugin, ThemeContext } };
const page = window as unknown as Record<string, unknown>;
let loaded: Loaded;
let root: Root | undefined;

page.define = (names: string[], make: (...given: unknown[]) => Loaded): void => {
    for (const name of names) if (!(name in modules)) throw new Error(`not given: ${name}`);
    loaded = make(...names.map((name) => modules[name]));
};

interface Shown {
    columns: string[];
    rows: unknown[][];
    options?: object;
    state?: string;
    dark?: boolean;
    width?: number;
    height?: number;
    noValue?: string;
}

page.show = async ({ columns, rows, options = {}, state = 'Done', dark = true, width = 480, height = 360, noValue }: Shown): Promise<void> => {
    root ??= createRoot(document.getElementById('panel')!);
    const fields = columns.map((name, place) => ({ name, config: {}, values: rows.map((row) => row[place]) }));
    const series = columns.length > 0 ? [{ fields, length: rows.length }] : [];
    const props = { data: { series, state }, options, width, height, fieldConfig: { defaults: { noValue }, overrides: [] } };
    root.render(React.createElement(ThemeContext.Provider, { value: { isDark: dark } }, React.createElement(loaded.plugin.panel, props)));
    for (let turn = 0; turn < 3; turn += 1) await new Promise((done) => { requestAnimationFrame(done); });
};

page.options = (): string[] => {
    const said: string[] = [];
    const take = (option: { path: string }): unknown => { said.push(option.path); return builder; };
    const builder = { addSelect: take, addRadio: take, addBooleanSwitch: take };
    loaded.plugin.offer(builder);
    return said;
};

page.hide = (): void => { root?.unmount(); root = undefined; };
