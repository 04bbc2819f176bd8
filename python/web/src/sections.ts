/** The tables of the page, in sections, each with the query behind it. */
import { LAYOUTS, SECTIONS } from './columns';
import { actionChoices, adviceChoices, details, driftChoices, whyNot } from './decisions';
import { code, facts } from './dialog';
import { fill, h, say, set } from './dom';
import * as format from './format';
import { type Choice, Grid } from './grid';
import type { Store } from './store';
import type { Row } from './types';

const CHOICES: Record<string, (store: Store, row: Row) => Choice[]> = { drift: driftChoices, actions: actionChoices, advice: adviceChoices };

export function sections(store: Store): HTMLElement[] {
    return SECTIONS.map(([title, tiles]) => {
        const id = title.toLowerCase().replaceAll(' ', '-');
        return h('section', { id, 'aria-labelledby': `${id}-title` }, h('h2', { id: `${id}-title` }, title),
            title === SECTIONS[0]![0] && hint(store), h('div', { class: 'tiles' }, ...tiles.map((name) => tile(store, name))));
    });
}

/** Why there are no buttons. */
function hint(store: Store): HTMLElement {
    const text = h('p', { class: 'hint', id: 'why-not' });
    const show = (): void => {
        const reason = whyNot(store);
        say(text, reason ?? '');
        text.hidden = reason == null;
    };
    store.on('me', show);
    show();
    return text;
}

function tile(store: Store, name: string): HTMLElement {
    const choices = CHOICES[name];
    const title = h('h3');
    const count = h('span', { class: 'count' });
    const about = h('p', { class: 'hint' });
    const error = h('p', { class: 'trouble' });
    const query = h('div');
    const grid = new Grid({
        title: name,
        layout: LAYOUTS[name]!,
        open: (row) => {
            const column = LAYOUTS[name]!.columns[0]!;
            void details(name, format.plain(row[column.name] ?? name).slice(0, 120), row, choices?.(store, row) ?? []);
        },
        ...(choices && { choices: (row: Row) => choices(store, row) }),
    });
    const show = (): void => {
        const now = store.tiles[name];
        if (!now) return;
        say(error, now.error ? `${format.SIGNS.critical} This can't be read: ${now.error.message}` : '');
        error.hidden = now.error == null;
        grid.element.hidden = now.error != null;
        say(count, now.error ? '' : format.number(now.rows.length));
        grid.update(store.rows(name));
    };
    store.on(name, show);
    // What may be decided depends on who looks, and on the actions.
    store.on('me', show);
    if (choices && name !== 'actions') store.on('actions', show);
    store.on('catalog', () => {
        const entry = store.catalog[name];
        say(title, entry?.title ?? name);
        say(about, entry?.about ?? '');
        set(grid.element, 'data-tile', name);
        if (entry) fill(query, code(entry.query, `Query of ${entry.title}`), h('p', { class: 'hint' }, 'Asked ', entry.every > 0
            ? `every ${format.seconds(entry.every)}` : 'with every beat', '.'));
    });
    return h('article', { class: `tile ${name}`, id: `tile-${name}` }, h('div', { class: 'head' }, title, count), about, error, grid.element,
        h('details', { class: 'sql' }, h('summary', {}, 'SQL behind this'), query));
}

/** The figures of the server, a list. */
export function database(store: Store): HTMLElement {
    const list = h('div');
    const kinds: Record<string, (value: unknown) => string> = {
        size_bytes: format.bytes, temp_bytes: format.bytes, wal_bytes: format.bytes, hit_rate: format.percent, oldest_transaction: format.seconds,
        since: format.time,
    };
    store.on('database', () => {
        const [row] = store.rows('database');
        if (!row) return;
        const said = Object.fromEntries(Object.entries(row).map(([name, value]) =>
            [name.replace('_bytes', ''), value == null ? format.NONE : (kinds[name] ?? format.number)(value)]));
        fill(list, facts(said));
    });
    return h('section', { id: 'database', 'aria-labelledby': 'database-title' }, h('h2', { id: 'database-title' }, 'Database'), list);
}
