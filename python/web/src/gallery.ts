/** The five pictures: one large, all of them small beside it, and each in words. */
import { copyButton, fill, h, say, set } from './dom';
import { createPicture, dashOf, describe, drawnRows, GLYPHS, type Legend, LOOKS, type Picture, type PictureName } from './pictures';
import type { Store } from './store';
import { motion, theme } from './theme';

const NAMES = Object.keys(LOOKS) as PictureName[];
const SVG = 'http://www.w3.org/2000/svg';

export function gallery(store: Store): HTMLElement {
    let shown: PictureName = 'heartbeat';
    let large: Picture | null = null;
    const stage = h('div', { class: 'stage' });
    const title = h('h2', { id: 'picture-title' });
    const summary = h('p', { class: 'summary' });
    const about = h('p', { class: 'hint' });
    const legend = h('ul', { class: 'legend', 'aria-label': 'What the shapes mean' });
    const wrong = h('div');
    const query = h('pre');
    const save = h('button', { type: 'button', class: 'quiet' }, 'Save as PNG');
    const tabs = NAMES.map((name) => {
        const host = h('span', { class: 'thumb' });
        const button = h('button', { type: 'button', role: 'tab', id: `tab-${name}`, 'aria-controls': 'picture' }, host, h('span', {},
            LOOKS[name].title));
        button.addEventListener('click', () => choose(name));
        return { name, host, button };
    });
    const panel = h('div', { class: 'picture', role: 'tabpanel', id: 'picture' },
        h('div', { class: 'head' }, title, save), stage, summary, legend,
        h('details', {}, h('summary', {}, 'In words'), about, wrong),
        h('details', {}, h('summary', {}, 'SQL behind this'), h('div', { class: 'listing' }, query, copyButton(() => query.textContent))));
    const list = h('div', { class: 'thumbs', role: 'tablist', 'aria-label': 'Pictures' }, ...tabs.map((tab) => tab.button));
    list.addEventListener('keydown', (event) => {
        const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (!move) return;
        event.preventDefault();
        choose(NAMES[(NAMES.indexOf(shown) + move + NAMES.length) % NAMES.length]!);
        tabs.find((tab) => tab.name === shown)?.button.focus();
    });
    save.addEventListener('click', () => void savePng());

    const small = new Map<PictureName, Picture>();
    const rows = (name: PictureName): ReturnType<typeof drawnRows> => {
        const tile = store.tiles[name];
        return tile && !tile.error ? drawnRows(tile.columns, tile.rows) : [];
    };
    const tell = (): void => {
        const words = describe(shown, rows(shown));
        const error = store.tiles[shown]?.error;
        say(summary, error ? `It can't be drawn: ${error.message}` : store.tiles[shown] ? words.summary : 'Waiting for the first rows …');
        fill(wrong, words.wrong.length > 0 && h('table', {}, h('caption', {}, 'What is wrong in it'), h('tbody', {},
            ...words.wrong.map((one) => h('tr', {}, h('th', { scope: 'row' }, one.what), h('td', {}, one.detail))))));
    };
    const choose = (name: PictureName): void => {
        const look = LOOKS[name];
        shown = name;
        for (const tab of tabs) {
            set(tab.button, 'aria-selected', String(tab.name === name));
            tab.button.tabIndex = tab.name === name ? 0 : -1;
        }
        set(panel, 'aria-labelledby', `tab-${name}`);
        say(title, look.title);
        say(about, look.about);
        fill(legend, ...look.legend.map((entry) => h('li', {}, sample(entry, dashOf(look, entry.role)), entry.means)));
        say(query, store.catalog[name]?.query ?? '');
        large?.dispose();
        large = createPicture(stage, { picture: name, theme: theme.value, reducedMotion: motion.value === 'still', force2d: FLAT });
        large.setLive(store.standing === 'live');
        if (store.tiles[name]) large.update(rows(name));
        tell();
    };
    const savePng = async (): Promise<void> => {
        if (!large) return;
        const address = URL.createObjectURL(await large.toPng());
        const link = h('a', { href: address, download: `asymmetrica-${shown}-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.png` });
        link.click();
        setTimeout(() => URL.revokeObjectURL(address), 10_000);
    };
    const each = (run: (picture: Picture) => void): void => [large, ...small.values()].forEach((picture) => picture && run(picture));

    for (const tab of tabs) {
        store.on(tab.name, () => {
            const drawn = rows(tab.name);
            small.get(tab.name)?.update(drawn);
            if (tab.name !== shown) return;
            large?.update(drawn);
            tell();
        });
    }
    store.on('catalog', () => say(query, store.catalog[shown]?.query ?? ''));
    store.on('standing', () => each((picture) => picture.setLive(store.standing === 'live')));
    theme.on((value) => each((picture) => picture.setTheme(value)));
    motion.on((value) => each((picture) => picture.setReducedMotion(value === 'still')));
    // The large one first; the small ones when there is time.
    queueMicrotask(() => choose(shown));
    later(() => {
        for (const { name, host } of tabs) {
            const picture = createPicture(host, { picture: name, theme: theme.value, reducedMotion: motion.value === 'still', force2d: true,
                thumbnail: true });
            picture.setLive(store.standing === 'live');
            small.set(name, picture);
            if (store.tiles[name]) picture.update(rows(name));
        }
    });
    return h('section', { class: 'gallery', 'aria-labelledby': 'picture-title', id: 'pictures' }, panel, list);
}

/** 2-D on demand: ?2d in the address. */
const FLAT = new URLSearchParams(location.search).has('2d');

function later(run: () => void): void {
    if ('requestIdleCallback' in window) requestIdleCallback(run, { timeout: 500 });
    else setTimeout(run, 100);
}

/** A sign of the legend, with the form it has in the picture. */
function sample({ role, shape }: Legend, share: number): SVGElement {
    const svg = document.createElementNS(SVG, 'svg');
    const draw = (tag: string, values: Record<string, string>): void => {
        const element = document.createElementNS(SVG, tag);
        for (const [name, value] of Object.entries(values)) element.setAttribute(name, value);
        svg.append(element);
    };
    for (const [name, value] of Object.entries({ viewBox: '0 0 24 16', width: '24', height: '16', class: role,
        'aria-hidden': 'true' })) svg.setAttribute(name, value);
    const filled = { fill: 'currentColor' };
    const hollow = { fill: 'none', stroke: 'currentColor', 'stroke-width': '2' };
    if (shape === 'segment') {
        const dash = share === 1 ? 'none' : `${7 * share} ${7 * (1 - share)}`;
        draw('line', { x1: '1', x2: '23', y1: '8', y2: '8', stroke: 'currentColor', 'stroke-width': '4', 'stroke-dasharray': dash });
        return svg;
    }
    switch (GLYPHS[role]) {
        case 'disc': draw('circle', { cx: '12', cy: '8', r: '5', ...filled }); break;
        case 'square': draw('rect', { x: '7', y: '3', width: '10', height: '10', ...filled }); break;
        case 'triangle': draw('path', { d: 'M12 1 L19 14 H5 Z', ...filled }); break;
        case 'diamond': draw('path', { d: 'M12 1 L19 8 L12 15 L5 8 Z', ...filled }); break;
        case 'bullseye':
            draw('circle', { cx: '12', cy: '8', r: '3.5', ...filled });
            draw('circle', { cx: '12', cy: '8', r: '6.6', ...hollow });
            break;
        case 'ring': draw('circle', { cx: '12', cy: '8', r: '5', ...hollow }); break;
        case 'dash': draw('rect', { x: '6', y: '6', width: '12', height: '4', ...filled });
    }
    return svg;
}
