/** One value as an element or text, by its kind. */
import type { Column } from './columns';
import { h } from './dom';
import * as format from './format';
import type { Cell } from './types';

export function cellText(column: Column, value: Cell): string {
    switch (column.kind) {
        case 'number': return format.number(value);
        case 'bytes': return format.bytes(value);
        case 'ms': return format.milliseconds(value);
        case 'seconds': return format.seconds(value);
        case 'percent': return format.percent(value);
        case 'time': return format.time(value);
        case 'code': return Array.isArray(value) ? value.join('; ') : format.plain(value);
        default: return format.plain(value);
    }
}

export function cellContent(column: Column, value: Cell): Node | string {
    if (value == null) return format.NONE;
    if (column.kind === 'state') return badge(value);
    if (column.kind === 'time') return h('time', { datetime: String(value), title: String(value) }, format.time(value));
    const text = cellText(column, value);
    // What is cut off is told on hover, and in the row's details.
    return h(column.kind === 'code' ? 'code' : 'span', { title: text.length > 40 ? text.slice(0, 600) : null }, text.slice(0, 600));
}

/** A state with its sign. */
export function badge(value: Cell): HTMLElement {
    const role = format.roleOf(value === true ? 'yes' : value === false ? 'no' : value);
    return h('span', { class: `badge ${role}` }, h('span', { class: 'sign', 'aria-hidden': 'true' }, format.SIGNS[role]), format.plain(value));
}
