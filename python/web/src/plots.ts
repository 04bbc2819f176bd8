/** A figure over time: chosen among asymm.metrics, drawn by uPlot, which is loaded when it comes into sight. */
import type UPlot from 'uplot';
import { ask } from './api';
import { trouble } from './dialog';
import { fill, h, say } from './dom';
import * as format from './format';
import { theme } from './theme';
import { records } from './types';

const SPANS = ['15 minutes', '1 hour', '6 hours', '1 day', '1 week'];
const FIRST = 'score.shm';
const EVERY = 15_000;

export function plots(): HTMLElement {
    const metric = h('select', { id: 'plot-metric' }, h('option', { value: FIRST }, FIRST));
    const span = h('select', { id: 'plot-span' }, ...SPANS.map((name) => h('option', { value: name, selected: name === '1 hour' }, name)));
    const stage = h('div', { class: 'plot', role: 'img' });
    const summary = h('p', { class: 'summary' });
    const section = h('section', { class: 'plots', 'aria-labelledby': 'plots-title', id: 'over-time' }, h('h2', { id: 'plots-title' }, 'Over time'),
        h('p', { class: 'choose' }, h('label', { for: 'plot-metric' }, 'Figure'), ' ', metric, ' ', h('label', { for: 'plot-span' }, 'Span'), ' ',
            span),
        stage, summary);
    const plot = new Plot(metric, span, stage, summary);
    if (typeof IntersectionObserver === 'undefined') {
        void plot.open();
        return section;
    }
    const observer = new IntersectionObserver((entries) => {
        plot.visible = entries.some((entry) => entry.isIntersecting);
        if (plot.visible) void plot.open();
    }, { rootMargin: '200px' });
    observer.observe(section);
    return section;
}

/** The time of a tick of the axis: at midnight the day. */
function clock(at: number): string {
    const date = new Date(at * 1000);
    const time = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
    return time === '00:00' ? date.toLocaleDateString('en-CA') : time;
}

class Plot {
    visible = false;
    private plot: UPlot | null = null;
    private opened = false;
    private units = new Map<string, string>();
    private rows: { at: number[]; value: (number | null)[] } | null = null;
    private readonly metric: HTMLSelectElement;
    private readonly span: HTMLSelectElement;
    private readonly stage: HTMLElement;
    private readonly summary: HTMLElement;

    constructor(metric: HTMLSelectElement, span: HTMLSelectElement, stage: HTMLElement, summary: HTMLElement) {
        [this.metric, this.span, this.stage, this.summary] = [metric, span, stage, summary];
    }

    async open(): Promise<void> {
        if (this.opened) return;
        this.opened = true;
        try {
            const metrics = records(await ask('metrics'));
            const names = [...new Set(metrics.map((row) => format.plain(row.metric)))].sort();
            this.units = new Map(metrics.map((row) => [format.plain(row.metric), row.unit == null ? '' : format.plain(row.unit)]));
            fill(this.metric, ...names.map((name) => h('option', { value: name, selected: name === FIRST },
                this.units.get(name) ? `${name} (${this.units.get(name)})` : name)));
        } catch (error) {
            fill(this.stage, trouble(error));
            this.opened = false;
            return;
        }
        for (const choice of [this.metric, this.span]) choice.addEventListener('change', () => void this.load());
        theme.on(() => void this.draw());
        new ResizeObserver(() => this.plot?.setSize(this.size())).observe(this.stage);
        setInterval(() => { if (this.visible && !document.hidden) void this.load(); }, EVERY);
        await this.load();
    }

    private async load(): Promise<void> {
        const [name, span] = [this.metric.value, this.span.value];
        try {
            const rows = records(await ask('series', { metric: name, span }));
            if (name !== this.metric.value || span !== this.span.value) return;
            this.rows = {
                at: rows.map((row) => Date.parse(String(row.at)) / 1000),
                value: rows.map((row) => (typeof row.value === 'number' ? row.value : null)),
            };
            const known = this.rows.value.filter((value) => value != null);
            say(this.summary, known.length === 0 ? 'Nothing was measured in this span.'
                : `${known.length} values: lowest ${format.number(Math.min(...known))}, highest ${format.number(Math.max(...known))}, `
                    + `last ${format.number(known.at(-1))} ${this.units.get(name) ?? ''}`);
            this.stage.setAttribute('aria-label', `${name} over ${span}. ${this.summary.textContent}`);
            await this.draw();
        } catch (error) {
            this.plot?.destroy();
            this.plot = null;
            fill(this.stage, trouble(error));
        }
    }

    private size(): { width: number; height: number } {
        return { width: this.stage.clientWidth, height: 240 };
    }

    private async draw(): Promise<void> {
        if (!this.rows) return;
        const { default: Chart } = await import('uplot');
        const style = getComputedStyle(document.documentElement);
        // Colours as they are computed: a canvas does not know light-dark().
        const colour = (name: string): string => {
            const probe = h('span', { class: 'unseen' });
            probe.style.color = `var(${name})`;
            document.body.append(probe);
            const found = getComputedStyle(probe).color;
            probe.remove();
            return found;
        };
        const [line, ink, grid] = [colour('--accent'), colour('--soft'), colour('--edge')];
        const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: `12px ${style.fontFamily}` };
        this.plot?.destroy();
        fill(this.stage);
        this.plot = new Chart({
            ...this.size(),
            series: [
                { label: 'Time', value: (_, at) => (at == null ? format.NONE : format.time(new Date(at * 1000).toISOString())) },
                {
                    label: this.metric.value, stroke: line, width: 2, points: { show: this.rows.at.length < 80, size: 5 },
                    value: (_, value) => (value == null ? format.NONE : format.number(value)),
                },
            ],
            axes: [{ ...axis, values: (_, splits) => splits.map(clock) }, { ...axis, size: 64 }],
            legend: { live: true },
        }, [this.rows.at, this.rows.value], this.stage);
    }
}
