/** Whose database this is, whether what is shown is of now, and the banner when it is not. */
import { fill, h, say, set } from './dom';
import * as format from './format';
import { keepToken } from './api';
import { motion, theme } from './theme';
import type { Store } from './store';

const WORDS = { waiting: 'connecting', live: 'live', silent: 'no beat', down: 'no database', gone: 'no server', refused: 'token needed' } as const;

export function header(host: HTMLElement, banner: HTMLElement, store: Store, retry: () => void): void {
    const name = h('span', { class: 'database' });
    const sign = h('span', { class: 'sign', 'aria-hidden': 'true' });
    const word = h('span');
    const rate = h('span', { class: 'rate' });
    const line = h('p', { class: 'line' }, sign, word, rate);
    const themeButton = h('button', { type: 'button', class: 'quiet', on: { click: () => theme.toggle() } });
    const motionButton = h('button', { type: 'button', class: 'quiet', on: { click: () => motion.toggle() } });
    theme.on((value) => {
        document.documentElement.dataset.theme = value;
        say(themeButton, value === 'dark' ? 'Light' : 'Dark');
        set(themeButton, 'aria-label', `Switch to ${value === 'dark' ? 'light' : 'dark'} colours`);
    });
    motion.on((value) => {
        document.documentElement.dataset.motion = value;
        say(motionButton, value === 'moving' ? 'Still' : 'Moving');
        set(motionButton, 'aria-label', value === 'moving' ? 'Stop all movement' : 'Let things move');
    });
    host.append(h('h1', { class: 'brand' }, 'Asymmetrica', name), line, h('div', { class: 'switches' }, motionButton, themeButton));

    const show = (): void => {
        const { standing } = store;
        document.documentElement.dataset.standing = standing;
        const role = standing === 'live' ? 'good' : standing === 'waiting' ? 'muted' : standing === 'silent' ? 'warning' : 'critical';
        say(sign, format.SIGNS[role]);
        set(line, 'class', `line ${role}`);
        say(word, WORDS[standing]);
        warn(banner, store, retry);
        vitals();
    };
    const vitals = (): void => {
        const [signs] = store.rows('vitals');
        if (!signs) return;
        say(name, format.plain(signs.database));
        const beats = signs.beating ? `${Number(signs.rate ?? 0).toFixed(2)} beats a second` : 'not beating';
        say(rate, store.standing === 'live' ? beats : `as of ${format.time(signs.at)}`);
    };
    store.on('standing', show);
    store.on('vitals', vitals);
    show();
}

/** The banner changes only when the standing does: it is spoken at once. */
function warn(banner: HTMLElement, store: Store, retry: () => void): void {
    const { standing, connection } = store;
    const [signs] = store.rows('vitals');
    const asOf = signs ? ` What is shown is of ${format.time(signs.at)}.` : '';
    const since = connection ? ` since ${format.time(connection.since)}` : '';
    switch (standing) {
        case 'waiting': case 'live':
            fill(banner);
            break;
        case 'silent':
            fill(banner, h('p', { class: 'warning' }, h('strong', {}, `${format.SIGNS.warning} No loop beats${since}. `), connection?.message ?? '',
                ' Values are read all the same; drift is not looked for.'));
            break;
        case 'down':
            fill(banner, h('p', { class: 'critical' }, h('strong', {}, `${format.SIGNS.critical} The database can't be reached${since}. `),
                connection?.message ?? '', asOf));
            break;
        case 'gone':
            fill(banner, h('p', { class: 'critical' }, h('strong', {}, `${format.SIGNS.critical} No word from the server of this page`
                + `${store.heard ? ` since ${format.time(new Date(store.heard).toISOString())}` : ''}. `), `It is tried again.${asOf} `,
                h('button', { type: 'button', on: { click: retry } }, 'Try now')));
            break;
        case 'refused': {
            const token = h('input', { type: 'password', id: 'token', autocomplete: 'off' });
            const form = h('form', { class: 'critical' }, h('label', { for: 'token' },
                'This page needs the token that was printed at its start: '), token,
                h('button', { type: 'submit' }, 'Open'));
            form.addEventListener('submit', (event) => {
                event.preventDefault();
                keepToken(token.value.trim());
                retry();
            });
            fill(banner, form);
        }
    }
}
