/** A table that is sorted and filtered here, and changes cell by cell as rows do, so that focus and place stay. */
import { cellContent, cellText } from './cells';
import type { Column, Layout } from './columns';
import { fill, h, say, set } from './dom';
import type { Row } from './types';

const FEW = 8;

interface Line {
    row: Row;
    element: HTMLTableRowElement;
    cells: HTMLElement[];
    shown: string[];
    buttons: HTMLElement;
    wanted: string;
}

export interface Choice {
    label: string;
    run: () => void;
}

export interface GridOptions {
    title: string;
    layout: Layout;
    open?: (row: Row) => void;
    choices?: (row: Row) => Choice[];
}

export class Grid {
    readonly element: HTMLElement;
    private rows: Row[] = [];
    private readonly lines = new Map<string, Line>();
    private sort: { name: string; up: boolean } | null = null;
    private all = false;
    private readonly body = h('tbody');
    private readonly heads = new Map<string, HTMLElement>();
    private readonly filter = h('input', { type: 'search', placeholder: 'Filter', class: 'filter' });
    private readonly empty = h('p', { class: 'empty' });
    private readonly more = h('button', { type: 'button', class: 'quiet more' });
    private readonly frame: HTMLElement;
    private readonly options: GridOptions;

    constructor(options: GridOptions) {
        this.options = options;
        const head = h('tr');
        for (const column of options.layout.columns) {
            const button = h('button', { type: 'button', on: { click: () => this.sortBy(column.name) } }, column.label);
            const cell = h('th', { scope: 'col', class: classes(column) }, button);
            this.heads.set(column.name, cell);
            head.append(cell);
        }
        if (options.choices) head.append(h('th', { scope: 'col', class: 'choices' }, h('span', { class: 'unseen' }, 'Decide')));
        this.filter.setAttribute('aria-label', `Filter ${options.title}`);
        this.filter.addEventListener('input', () => this.show());
        this.more.addEventListener('click', () => {
            this.all = !this.all;
            this.show();
        });
        this.frame = h('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': options.title },
            h('table', {}, h('caption', { class: 'unseen' }, options.title), h('thead', {}, head), this.body));
        this.element = h('div', { class: 'grid' }, this.filter, this.frame, this.empty, this.more);
        this.show();
    }

    update(rows: Row[]): void {
        this.rows = rows;
        this.show();
    }

    private sortBy(name: string): void {
        this.sort = this.sort?.name !== name ? { name, up: true } : this.sort.up ? { name, up: false } : null;
        this.show();
    }

    private chosen(): Row[] {
        const { columns } = this.options.layout;
        const wanted = this.filter.value.trim().toLowerCase();
        const rows = wanted === '' ? [...this.rows]
            : this.rows.filter((row) => columns.some((column) => cellText(column, row[column.name]).toLowerCase().includes(wanted)));
        if (this.sort) {
            const { name, up } = this.sort;
            rows.sort((a, b) => compare(a[name], b[name]) * (up ? 1 : -1));
        }
        return rows;
    }

    private show(): void {
        const chosen = this.chosen();
        const shown = this.all ? chosen : chosen.slice(0, FEW);
        const kept = new Set<string>();
        let next = this.body.firstElementChild;
        for (const row of shown) {
            let key = this.options.layout.key(row);
            while (kept.has(key)) key += '+';
            kept.add(key);
            const line = this.lines.get(key) ?? this.make(key);
            this.renew(line, row);
            if (line.element === next) next = next.nextElementSibling;
            else this.body.insertBefore(line.element, next);
        }
        for (const [key, line] of this.lines) {
            if (kept.has(key)) continue;
            line.element.remove();
            this.lines.delete(key);
        }
        this.frame.hidden = shown.length === 0;
        this.filter.hidden = this.rows.length <= 3 && this.filter.value === '';
        this.empty.hidden = shown.length > 0;
        say(this.empty, this.rows.length === 0 ? this.options.layout.empty : 'Nothing has these words.');
        this.more.hidden = chosen.length <= FEW;
        say(this.more, this.all ? `Show ${FEW} only` : `Show all ${chosen.length}`);
        for (const [name, head] of this.heads) {
            set(head, 'aria-sort', this.sort?.name === name ? (this.sort.up ? 'ascending' : 'descending') : null);
        }
    }

    private make(key: string): Line {
        const { columns } = this.options.layout;
        const cells = columns.map((column, place) => h(place === 0 ? 'th' : 'td', { class: classes(column), scope: place === 0 ? 'row' : null }));
        const buttons = h('td', { class: 'choices' });
        const element = h('tr', {}, ...cells, this.options.choices ? buttons : null);
        const line: Line = { row: {}, element, cells, shown: [], buttons, wanted: '' };
        this.lines.set(key, line);
        return line;
    }

    private renew(line: Line, row: Row): void {
        line.row = row;
        this.options.layout.columns.forEach((column, place) => {
            const value = row[column.name];
            const text = JSON.stringify(value ?? null);
            if (line.shown[place] === text) return;
            line.shown[place] = text;
            const content = cellContent(column, value);
            const { open } = this.options;
            fill(line.cells[place]!, place === 0 && open
                ? h('button', { type: 'button', class: 'open', 'aria-haspopup': 'dialog', on: { click: () => open(line.row) } }, content) : content);
        });
        const choices = this.options.choices?.(row) ?? [];
        const wanted = choices.map((choice) => choice.label).join('|');
        if (wanted === line.wanted) return;
        line.wanted = wanted;
        fill(line.buttons, ...choices.map(({ label }) => h('button', {
            type: 'button', 'aria-haspopup': 'dialog', 'aria-label': `${label} ${cellText(this.options.layout.columns[0]!,
                row[this.options.layout.columns[0]!.name])}`,
            // The row may be a newer one by the time of the click.
            on: { click: () => this.options.choices?.(line.row).find((choice) => choice.label === label)?.run() },
        }, label)));
    }
}

function classes(column: Column): string {
    return `${column.kind}${column.minor ? ' minor' : ''}`;
}

/** Numbers by size, the rest as text; what is not there comes last. */
export function compare(a: unknown, b: unknown): number {
    if (a == null || b == null) return a == null ? (b == null ? 0 : 1) : -1;
    if (typeof a === 'number' && typeof b === 'number') return a - b;
    return String(a).localeCompare(String(b), 'en', { numeric: true });
}
