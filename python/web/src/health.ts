/** The verdict first, with its arithmetic one click away, and the vital signs. */
import { LAYOUTS } from './columns';
import { code } from './dialog';
import { fill, h, say, set } from './dom';
import * as format from './format';
import { Grid } from './grid';
import type { Store } from './store';
import type { Cell, Row } from './types';

const SCORES = [
    ['shm', 'System health', 'harmonic sum of all that is measured'], ['ux', 'Smooth answers', 'how smoothly statements answer'],
    ['semantic', 'True descriptions', 'whether what is said of nodes is true'], ['state', 'States of rows',
        'how simple and clean the states of rows are'],
] as const;

type Say = (value: Cell, row: Row) => string;
const count: Say = (value) => format.number(value);
const VITALS: readonly (readonly [string, string, Say, (row: Row) => string])[] = [
    ['watched', 'watched', count, () => ''],
    ['drifted', 'open differences', count, (row) => (Number(row.drifted) > 0 ? 'critical' : 'good')],
    ['proposals', 'to decide', count, (row) => (Number(row.proposals) > 0 ? 'accent' : '')],
    ['failed', 'actions failed in a day', count, (row) => (Number(row.failed) > 0 ? 'critical' : '')],
    ['critical', 'critical findings', count, (row) => (Number(row.critical) > 0 ? 'critical' : '')],
    ['warnings', 'warnings', count, (row) => (Number(row.warnings) > 0 ? 'warning' : '')],
    ['alerts', 'open alerts', count, (row) => (Number(row.alerts) > 0 ? 'warning' : '')],
    ['mirror_lag', 'mirror behind', (value) => format.seconds(value),
        (row) => (row.mirror_state == null || row.mirror_state === 'live' ? '' : 'warning')],
];

export function health(store: Store, announce: (text: string) => void): HTMLElement {
    const sign = h('span', { class: 'sign', 'aria-hidden': 'true' });
    const word = h('strong');
    const verdict = h('p', { class: 'verdict' }, sign, word);
    const headline = h('p', { class: 'headline' });
    const reasons = h('ul', { class: 'reasons' });
    const unmeasured = h('p', { class: 'hint' });
    const scores = SCORES.map(([name, label, about]) => {
        const value = h('span', { class: 'figure' });
        const bar = h('progress', { max: '1', 'aria-label': label, title: about });
        return { name, value, bar, element: h('div', { class: 'score' }, h('span', {}, label), value, bar) };
    });
    const terms = new Grid({ title: 'What health is made of', layout: LAYOUTS.health_terms! });
    const sum = h('p', { class: 'hint' });
    const queries = h('div');
    const arithmetic = h('details', { class: 'arithmetic', id: 'arithmetic' }, h('summary', {}, 'The arithmetic'), sum, terms.element, queries);
    const paused = h('p', { class: 'warning' });
    const signs = VITALS.map(([name, label, text, role]) => {
        const value = h('span', { class: 'figure' });
        return { name, text, role, value, element: h('li', {}, value, ' ', h('span', {}, label)) };
    });

    let before = '';
    store.on('verdict', () => {
        const [row] = store.rows('verdict');
        const error = store.tiles.verdict?.error;
        const status = error ? 'unknown' : format.plain(row?.status ?? 'unknown');
        const role = format.roleOf(status);
        say(sign, format.SIGNS[role]);
        say(word, status);
        set(verdict, 'class', `verdict ${role}`);
        const line = error ? error.message : format.plain(row?.headline ?? 'Nothing is known yet.');
        say(headline, line);
        if (status !== before) announce(`Health: ${status}. ${line}`);
        before = status;
        // Each bar is the share of its score; a score without a measurement has none.
        for (const { name, value, bar } of scores) {
            const score = row?.[name];
            say(value, score == null ? 'not measured' : format.percent(score));
            set(bar, 'value', score == null ? '0' : String(score));
        }
        fill(reasons, ...list(row?.reasons).filter((reason) => reason !== line).map((reason) => h('li', {}, reason)));
        const missing = list(row?.not_measured);
        say(unmeasured, missing.length > 0 ? `Not measured, so not counted: ${missing.join(', ')}.` : '');
    });
    store.on('health_terms', () => {
        const rows = store.rows('health_terms');
        terms.update(rows);
        const added = rows.reduce((total, row) => total + Number(row.adds ?? 0), 0);
        const [shm] = store.rows('verdict');
        say(sum, shm?.shm == null ? 'Health is not measured yet.'
            : `What the terms add is ${format.number(added)}; system health is ${format.number(shm.shm)} of 1. `
                + (rows.some((row) => row.adds == null) ? 'The weights of what is not measured go to the rest. ' : '')
                + 'Each query shows the rows of its term.');
        if (queries.hasChildNodes()) return;
        const asked = rows.filter((row) => row.query != null);
        fill(queries, ...asked.map((row) => code(format.plain(row.query), `Query of ${format.plain(row.term)}`)));
    });
    store.on('vitals', () => {
        const [row] = store.rows('vitals');
        if (!row) return;
        for (const { name, text, role, value, element } of signs) {
            say(value, text(row[name], row));
            set(element, 'class', role(row));
            element.hidden = name === 'mirror_lag' && row.mirror_state == null;
        }
        say(paused, row.paused == null ? '' : `${format.SIGNS.warning} Repairing is paused: ${format.plain(row.paused)}`);
    });
    return h('section', { class: 'health', 'aria-labelledby': 'health-title', id: 'health' },
        h('h2', { class: 'unseen', id: 'health-title' }, 'Health'),
        h('div', { class: 'told' }, verdict, headline, paused, reasons, unmeasured),
        h('div', { class: 'scores' }, ...scores.map((score) => score.element)),
        arithmetic,
        h('ul', { class: 'vitals', 'aria-label': 'Vital signs' }, ...signs.map((one) => one.element)));
}

function list(value: Cell): string[] {
    return Array.isArray(value) ? value.map(format.plain) : [];
}
