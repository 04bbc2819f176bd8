/** The page: made once, then only changed. */
import { headers, takeToken } from './api';
import { SECTIONS } from './columns';
import { fill, h } from './dom';
import { gallery } from './gallery';
import { header } from './header';
import { health } from './health';
import { plots } from './plots';
import { database, sections } from './sections';
import { Store } from './store';
import { Stream } from './stream';

const find = (id: string): HTMLElement => document.getElementById(id)!;

takeToken();
const store = new Store();
const stream = new Stream({
    url: '/api/events',
    headers,
    onMessage: (event, data) => {
        make();
        store.take(event, data);
    },
    onLine: (line) => store.setLine(line),
    // While the database is there, word comes with every beat; else now and then.
    patience: () => (store.connection == null || store.connection.state === 'down' ? 30_000 : 5000),
});
header(find('header'), find('banner'), store, () => stream.retry());

let made = false;
/** Makes the page when the first word came: what it shows then follows at once. */
function make(): void {
    if (made) return;
    made = true;
    const announce = (text: string): void => { find('announce').textContent = text; };
    const links = [['health', 'Health'], ['pictures', 'Pictures'], ['database', 'Database'],
        ...SECTIONS.map(([title]) => [title.toLowerCase().replaceAll(' ', '-'), title]),
        ['over-time', 'Over time']];
    fill(find('main'), health(store, announce), gallery(store), database(store),
        h('nav', { 'aria-label': 'Sections' }, h('ul', {}, ...links.map(([id, title]) => h('li', {}, h('a', { href: `#${id}` }, title))))),
        ...sections(store), plots());
    fill(find('footer'), h('p', {}, 'Every table here is a query anybody who may look can run: ', h('code', {}, 'SELECT * FROM asymm.tiles'), '. ',
        h('a', { href: '/static/LICENSES.txt' }, 'Licences')));
}
stream.start();
