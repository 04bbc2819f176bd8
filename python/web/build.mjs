/** Builds the page into the Python package: hashed names, a page that names them, the licences, and what it was built from. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const target = join(here, '../src/asymmetrica/dashboard/static');

const hash = (data) => createHash('sha256').update(data).digest('hex');

/** All files below a folder, sorted, with / between. */
async function files(folder, base = '') {
    const entries = await readdir(join(here, folder), { withFileTypes: true });
    const found = await Promise.all(entries.map((entry) => (entry.isDirectory()
        ? files(posix.join(folder, entry.name), posix.join(base, entry.name)) : [posix.join(base, entry.name)])));
    return found.flat().sort();
}

/** One hash over everything the result is made of: for each file its name, a NUL, its content, a NUL. */
async function sources() {
    const names = ['build.mjs', 'package-lock.json', 'package.json', 'tsconfig.json', ...(await files('src')).map((name) => `src/${name}`)].sort();
    const sum = createHash('sha256');
    for (const name of names) {
        sum.update(name).update('\0').update(await readFile(join(here, name))).update('\0');
    }
    return sum.digest('hex');
}

const result = await build({
    absWorkingDir: here,
    entryPoints: { app: 'src/main.ts', style: 'src/style.css' },
    bundle: true, splitting: true, format: 'esm', minify: true, target: 'es2022', charset: 'utf8', legalComments: 'none',
    entryNames: '[name]-[hash]', chunkNames: '[name]-[hash]', assetNames: '[name]-[hash]',
    outdir: target, write: false, metafile: true, logLevel: 'warning',
});

const built = new Map(result.outputFiles.map((file) => [posix.basename(file.path), file.contents]));
const entry = (start, end) => [...built.keys()].find((name) => name.startsWith(start) && name.endsWith(end));
const page = (await readFile(join(here, 'src/index.html'), 'utf8'))
    .replace('/static/app.js', `/static/${entry('app-', '.js')}`).replace('/static/style.css', `/static/${entry('style-', '.css')}`);
built.set('index.html', Buffer.from(page));
const licences = await Promise.all([['three', 'LICENSE'], ['uplot', 'LICENSE']].map(async ([name, file]) =>
    `${name}\n${'='.repeat(name.length)}\n\n${(await readFile(join(here, 'node_modules', name, file), 'utf8')).trim()}\n`));
built.set('LICENSES.txt', Buffer.from(`The files of this folder contain:\n\n${licences.join('\n')}`));
const list = Object.fromEntries([...built].map(([name, content]) => [name, hash(content)]).sort());
built.set('manifest.json', Buffer.from(`${JSON.stringify({ sources: await sources(), files: list }, null, 1)}\n`));

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await Promise.all([...built].map(([name, content]) => writeFile(join(target, name), content)));
