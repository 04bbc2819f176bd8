/** A modal dialog: what a row holds, and decisions with what they would do. */
import { h } from './dom';
import { plain, SIGNS } from './format';
import { copyButton } from './dom';
import { Problem } from './api';

export interface Dialog {
    body: HTMLElement;
    foot: HTMLElement;
    close: () => void;
    closed: Promise<void>;
}

export function openDialog(title: string): Dialog {
    const heading = h('h2', { id: 'dialog-title' }, title);
    const body = h('div', { class: 'body' });
    const foot = h('div', { class: 'foot' });
    const dialog = h('dialog', { 'aria-labelledby': 'dialog-title' });
    const close = (): void => dialog.close();
    dialog.append(h('div', { class: 'head' }, heading,
        h('button', { type: 'button', class: 'quiet', 'aria-label': 'Close', on: { click: close } }, '✕')), body, foot);
    const closed = new Promise<void>((resolve) => {
        dialog.addEventListener('close', () => {
            dialog.remove();
            resolve();
        });
    });
    dialog.addEventListener('click', (event) => { if (event.target === dialog) close(); });
    document.body.append(dialog);
    dialog.showModal();
    return { body, foot, close, closed };
}

/** Names and values, nothing left out. */
export function facts(row: Record<string, unknown>): HTMLElement {
    const list = h('dl', { class: 'facts' });
    for (const [name, value] of Object.entries(row)) {
        if (value == null || (Array.isArray(value) && value.length === 0)) continue;
        const long = typeof value === 'object' && !(Array.isArray(value) && value.every((part) => typeof part === 'string'));
        const text = Array.isArray(value) && !long ? value.join('\n') : long ? JSON.stringify(value, null, 1) : plain(value);
        list.append(h('dt', {}, name.replaceAll('_', ' ')), h('dd', {}, h('pre', {}, text)));
    }
    return list;
}

/** Statements to read and copy. */
export function code(text: string, label: string): HTMLElement {
    return h('div', { class: 'listing' }, h('pre', { tabindex: '0', 'aria-label': label }, text), copyButton(() => text));
}

export function trouble(error: unknown): HTMLElement {
    const problem = error instanceof Problem ? error : null;
    return h('div', { class: 'trouble', role: 'alert' },
        h('strong', {}, `${SIGNS.critical} ${error instanceof Error ? error.message : String(error)}`),
        problem?.detail && h('p', {}, problem.detail), problem?.hint && h('p', {}, problem.hint), problem?.sqlstate && h('p', {},
            `SQLSTATE ${problem.sqlstate}`));
}
