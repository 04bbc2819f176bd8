// Grafana's library is written for bundlers: it is taken through one. Not *.test.ts, which are those of the page.
export default { test: { include: ['test/*.check.ts'], environment: 'happy-dom', server: { deps: { inline: [/@grafana\//] } } } };
