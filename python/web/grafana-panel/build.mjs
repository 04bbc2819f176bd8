// Builds the plugin as Grafana loads it: one AMD module that gets React and Grafana's data library from Grafana, and the page that
// tests load it in, with React's own code. Everything is written into the Python package, so that using it needs no npm.
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '..', '..', '..');
const OUT = join(ROOT, 'python', 'src', 'asymmetrica', 'grafana', 'plugins', 'asymmetrica-panel');
const EXTERNAL = ['react', '@grafana/data'];
const common = { bundle: true, minify: true, target: 'es2022', define: { 'process.env.NODE_ENV': '"production"' }, logLevel: 'warning' };

const { outputFiles: [bundle] } = await build({
    ...common, entryPoints: [join(HERE, 'src', 'module.ts')], format: 'cjs', platform: 'browser', external: EXTERNAL, jsx: 'transform', write: false,
});
// Names that the minifier does not give: one of its own would hide what Grafana gives.
const names = EXTERNAL.map((_, place) => `givenByGrafana${place}`);
const map = EXTERNAL.map((name, place) => `${JSON.stringify(name)}:givenByGrafana${place}`).join(',');
rmSync(OUT, { recursive: true, force: true });
mkdirSync(join(OUT, 'img'), { recursive: true });
writeFileSync(
    join(OUT, 'module.js'),
    `define(${JSON.stringify(EXTERNAL)},function(${names.join(',')}){var module={exports:{}},exports=module.exports;`
        + `var require=function(name){return{${map}}[name]};\n${bundle.text.trim()}\nreturn module.exports});\n`,
);
const version = /^version = "(.*)"$/m.exec(readFileSync(join(ROOT, 'python', 'pyproject.toml'), 'utf8'))[1];
writeFileSync(join(OUT, 'plugin.json'), readFileSync(join(HERE, 'src', 'plugin.json'), 'utf8').replace('%VERSION%', version));
for (const name of ['README.md', join('img', 'logo.svg')]) copyFileSync(join(HERE, 'src', name), join(OUT, name));
copyFileSync(join(ROOT, 'LICENSE'), join(OUT, 'LICENSE'));

await build({
    ...common, entryPoints: [join(HERE, 'test', 'host.ts')], format: 'iife', legalComments: 'eof',
    outfile: join(ROOT, 'tests', 'dashboard', 'grafana_host.js'),
});

// What was built, so that a test sees without npm when the sources have changed since: each file's path and content.
function* files(folder) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) yield* files(path);
        else yield path;
    }
}
const WEB = join(HERE, '..');
const hash = createHash('sha256').update(`three ${JSON.parse(readFileSync(join(WEB, 'package.json'), 'utf8')).dependencies.three}\n`);
const sources = [...files(join(HERE, 'src')), ...files(join(WEB, 'src', 'pictures')), join(HERE, 'test', 'host.ts'), join(HERE, 'build.mjs')];
for (const [name, path] of sources.map((path) => [relative(WEB, path).split(sep).join('/'), path]).sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name}\n`).update(createHash('sha256').update(readFileSync(path)).digest('hex')).update('\n');
}
writeFileSync(join(OUT, 'sources.sha256'), `${hash.digest('hex')}\n`);
