/** Approve, reject, revert and heal: what would be done is shown first, and done only when it is confirmed. */
import { ask, askAction, decide } from './api';
import { code, facts, openDialog, trouble } from './dialog';
import { fill, h } from './dom';
import { plain } from './format';
import type { Choice } from './grid';
import type { Store } from './store';
import { records, type Row, type Rows } from './types';

/** Why nothing may be decided here; null if it may. */
export function whyNot(store: Store): string | null {
    const { me } = store;
    if (!me.actions) return 'You look only: to decide here, the page is started with --allow-actions and opened with its token.';
    if (!me.operator) return `You look only: ${me.role ?? 'the login of this page'} is no member of asymm_operator.`;
    return null;
}

/** What may be decided of a row of the tile drift. */
export function driftChoices(store: Store, row: Row): Choice[] {
    if (whyNot(store) != null || row.resolved_at != null) return [];
    const proposed = store.rows('actions').find((action) => action.id === row.action && action.state === 'proposed');
    return [
        ...(proposed ? [decision('Approve', row.action)] : []),
        { label: 'Heal', run: () => void heal(plain(row.object)) },
    ];
}

/** What may be decided of a row of the tile actions. */
export function actionChoices(store: Store, row: Row): Choice[] {
    if (whyNot(store) != null) return [];
    if (row.state === 'proposed') return [decision('Approve', row.id), decision('Reject', row.id)];
    if (row.state === 'verified' || row.state === 'applied') return [decision('Revert', row.id)];
    return [];
}

/** What may be decided of a row of the tile advice. */
export function adviceChoices(store: Store, row: Row): Choice[] {
    if (whyNot(store) != null || row.action == null) return [];
    const action = store.rows('actions').find((other) => other.id === row.action);
    return action ? actionChoices(store, action) : [];
}

function decision(label: 'Approve' | 'Reject' | 'Revert', action: unknown): Choice {
    return { label, run: () => void decideAction(label, Number(action)) };
}

async function decideAction(label: 'Approve' | 'Reject' | 'Revert', id: number): Promise<void> {
    const dialog = openDialog(`${label} action ${id}`);
    fill(dialog.body, h('p', { class: 'waiting' }, 'Asking what it would do …'));
    try {
        const [action] = records((await askAction(id)).action);
        if (!action) throw new Error('the action is gone');
        const steps = label === 'Revert' ? statementsOf(await decide(`actions/${id}/revert`, { dry_run: true })) : listOf(action.statements);
        const reason = h('input', { type: 'text', id: 'reason', maxlength: '500', autocomplete: 'off' });
        fill(dialog.body,
            h('p', {}, `${plain(action.kind)} of `, h('strong', {}, plain(action.target)), action.reason != null && `: ${plain(action.reason)}`),
            label === 'Reject' ? h('p', {}, 'It will not be done, and this is not proposed again by itself:') : h('p', {},
                'These statements would run:'),
            code(steps.join(';\n') || 'no statement', 'Statements'),
            warning(action.hazards),
            label === 'Approve' && listOf(action.inverse).length > 0
                && h('details', {}, h('summary', {}, 'What would take it back'), code(listOf(action.inverse).join(';\n'), 'Inverse')),
            label === 'Reject' && h('p', {}, h('label', { for: 'reason' }, 'Reason '), reason));
        confirm(dialog, label, async () => decide(`actions/${id}/${label.toLowerCase()}`, label === 'Reject' && reason.value
            ? { reason: reason.value } : {}));
    } catch (error) {
        fill(dialog.body, trouble(error));
    }
}

async function heal(target: string): Promise<void> {
    const dialog = openDialog('Heal');
    fill(dialog.body, h('p', { class: 'waiting' }, 'Asking what it would do …'));
    try {
        const steps = records(await decide('heal', { target, dry_run: true }));
        fill(dialog.body, h('p', {}, 'To have ', h('strong', {}, target), ' as it was declared, these statements would run:'),
            code(steps.map((step) => plain(step.statement)).join(';\n') || 'none: nothing differs that could be mended', 'Statements'),
            warning(steps.flatMap((step) => listOf(step.hazards))));
        if (steps.length > 0) confirm(dialog, 'Heal', async () => decide('heal', { target, dry_run: false }));
    } catch (error) {
        fill(dialog.body, trouble(error));
    }
}

function confirm(dialog: ReturnType<typeof openDialog>, label: string, run: () => Promise<Rows>): void {
    const button = h('button', { type: 'button', class: 'primary' }, label);
    const cancel = h('button', { type: 'button', on: { click: dialog.close } }, 'Cancel');
    button.addEventListener('click', () => {
        button.disabled = true;
        run().then((rows) => {
            const said = records(rows).map((row) => ({ state: row.state, note: row.note, statement: row.statement }));
            fill(dialog.body, h('p', { role: 'status' }, said.map((row) => [row.state, row.note].filter((part) => part != null).map(plain).join(': '))
                .filter((part, place, all) => part !== '' && all.indexOf(part) === place).join('; ') || 'Done.'));
            fill(dialog.foot, h('button', { type: 'button', class: 'primary', on: { click: dialog.close } }, 'Close'));
            dialog.foot.querySelector('button')?.focus();
        }).catch((error: unknown) => {
            button.disabled = false;
            dialog.body.querySelector('.trouble')?.remove();
            dialog.body.append(trouble(error));
        });
    });
    fill(dialog.foot, button, cancel);
    button.focus();
}

function warning(hazards: unknown): HTMLElement | null {
    const list = [...new Set(listOf(hazards))];
    return list.length === 0 ? null : h('p', { class: 'hazards' }, `▲ Hazards: ${list.join(', ')}`);
}

function listOf(value: unknown): string[] {
    return Array.isArray(value) ? value.map(plain) : value == null ? [] : [plain(value)];
}

function statementsOf(rows: Rows): string[] {
    return records(rows).map((row) => plain(row.statement));
}

/** All of a row; of an action also every state it was in, of an object what happened to it. */
export async function details(tile: string, title: string, row: Row, choices: readonly Choice[]): Promise<void> {
    const dialog = openDialog(title);
    const history = h('div');
    fill(dialog.body, facts(row), history);
    fill(dialog.foot, ...choices.map(({ label, run }) => h('button', { type: 'button', on: { click: () => { dialog.close(); run(); } } }, label)),
        h('button', { type: 'button', on: { click: dialog.close } }, 'Close'));
    const id = tile === 'actions' ? row.id : tile === 'advice' ? row.action : null;
    const target = tile === 'drift' || tile === 'tables' ? row.object : null;
    try {
        const rows = id != null ? (await askAction(Number(id))).history : target != null ? await ask('history', { target: plain(target) }) : null;
        const list = records(rows ?? undefined).slice(0, 50);
        if (list.length > 0) {
            fill(history, h('h3', {}, 'What happened'), h('ol', { class: 'history' }, ...list.map((entry) => h('li', {},
                h('time', {}, plain(entry.at).slice(0, 19).replace('T', ' ')), ' ',
                [entry.event ?? entry.to_state, entry.what ?? entry.note, entry.by_role].filter((part) => part != null).map(plain).join(' · ')))));
        }
    } catch (error) {
        fill(history, trouble(error));
    }
}
