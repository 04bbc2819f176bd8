/** What lies over the canvas: words, the frame about what is chosen, the tip that says what it is, and the way through it by keyboard. */
import { type Description, valueText } from './describe';
import { LOOKS } from './looks';
import type { Item, Model } from './model';
import { PALETTES } from './palette';
import { middle, pick, stops } from './picking';
import type { PictureOptions } from './types';
import { projector, type View } from './view';
import { words } from './words';

const MONO = 'ui-monospace, "SF Mono", Menlo, Consolas, monospace';

export class Overlay {
    private readonly stage: HTMLElement;
    private readonly wordLayer: HTMLElement;
    private readonly tip: HTMLElement;
    private readonly ring: HTMLElement;
    private readonly empty: HTMLElement;
    private readonly spoken: HTMLElement;
    private chosen: string | null = null;
    private readonly options: PictureOptions;
    private readonly model: Model;
    private readonly view: () => View;

    constructor(host: HTMLElement, options: PictureOptions, model: Model, view: () => View) {
        this.options = options;
        this.model = model;
        this.view = view;
        this.stage = layer(host, { inset: '0', overflow: 'hidden', borderRadius: 'inherit' });
        this.wordLayer = layer(this.stage, { inset: '0', pointerEvents: 'none', font: `12px/1 ${MONO}` });
        this.wordLayer.setAttribute('aria-hidden', 'true');
        this.ring = layer(this.stage, {
            width: '26px', height: '26px', borderRadius: '50%', border: '2px solid', pointerEvents: 'none', display: 'none',
        });
        this.tip = layer(this.stage, {
            padding: '6px 9px', borderRadius: '6px', font: `12px/1.4 ${MONO}`, pointerEvents: 'none', display: 'none', maxWidth: '78%',
            overflowWrap: 'anywhere', whiteSpace: 'pre-line', zIndex: '2',
        });
        this.tip.setAttribute('aria-hidden', 'true');
        this.empty = layer(this.stage, { inset: '0', display: 'none', placeItems: 'center', textAlign: 'center', padding: '1rem', font: 'inherit' });
        this.spoken = layer(this.stage, { width: '1px', height: '1px', overflow: 'hidden', clipPath: 'inset(50%)' });
        if (options.thumbnail) {
            this.stage.setAttribute('aria-hidden', 'true');
        } else {
            this.spoken.setAttribute('aria-live', 'polite');
            this.stage.tabIndex = 0;
            this.stage.setAttribute('role', 'application');
            this.stage.setAttribute('aria-roledescription', 'picture');
            this.stage.addEventListener('keydown', this.onKey);
            this.stage.addEventListener('blur', () => this.choose(null));
        }
        this.describe({ summary: LOOKS[options.picture].empty, wrong: [] }, false);
        this.repaint();
    }

    describe(description: Description, empty: boolean): void {
        if (!this.options.thumbnail) {
            this.stage.setAttribute('aria-label', `${LOOKS[this.options.picture].title}: ${description.summary} Arrow keys go through its parts.`);
        }
        this.empty.textContent = empty && !this.options.thumbnail ? description.summary : '';
        this.empty.style.display = empty ? 'grid' : 'none';
    }

    repaint(): void {
        const palette = PALETTES[this.options.theme];
        this.wordLayer.style.color = palette.ink;
        this.empty.style.color = palette.ink;
        this.ring.style.borderColor = palette.ink;
        Object.assign(this.tip.style, { background: palette.ink, color: palette.ground });
    }

    hover(x: number, y: number): void {
        this.choose(pick(this.model, LOOKS[this.options.picture], this.view(), x, y));
    }

    leave(): void {
        this.choose(null);
    }

    /** Puts everything where it belongs in this view. */
    place(): void {
        if (this.options.thumbnail) return;
        const view = this.view();
        const wanted = words(this.options.picture, this.model, view);
        while (this.wordLayer.childElementCount < wanted.length) layer(this.wordLayer, { whiteSpace: 'nowrap' });
        [...this.wordLayer.children].forEach((element, number) => {
            const word = wanted[number];
            const { style } = element as HTMLElement;
            style.display = word ? 'block' : 'none';
            if (!word) return;
            if (element.textContent !== word.text) element.textContent = word.text;
            const shift = { left: '0', center: '-50%', right: '-100%' }[word.align];
            style.transform = `translate(${word.x.toFixed(1)}px, ${word.y.toFixed(1)}px) translate(${shift}, -50%)`;
        });
        this.placeTip(view);
    }

    dispose(): void {
        this.stage.remove();
    }

    private item(): Item | undefined {
        return this.model.items.find((item) => item.key === this.chosen);
    }

    private choose(item: Item | null): void {
        if ((item?.key ?? null) === this.chosen) return;
        this.chosen = item?.key ?? null;
        this.options.onHover?.(item?.row ?? null);
        this.placeTip(this.view());
    }

    private placeTip(view: View): void {
        const item = this.item();
        this.tip.style.display = this.ring.style.display = item ? 'block' : 'none';
        if (!item) return;
        this.tip.textContent = this.text(item);
        const place = projector(view)(...middle(item));
        this.ring.style.transform = `translate(${place.x.toFixed(1)}px, ${place.y.toFixed(1)}px) translate(-50%, -50%)`;
        const right = place.x > view.width / 2;
        const low = place.y > view.height * 0.7;
        this.tip.style.transform = `translate(${(place.x + (right ? -18 : 18)).toFixed(1)}px, ${place.y.toFixed(1)}px) `
            + `translate(${right ? '-100%' : '0'}, ${low ? '-110%' : '10%'})`;
    }

    private text(item: Item): string {
        return [item.row.label ?? item.row.node ?? '', valueText(this.options.picture, item.row)].filter((part) => part !== '').join('\n');
    }

    private readonly onKey = (event: KeyboardEvent): void => {
        const all = stops(this.model);
        const now = all.findIndex((item) => item.key === this.chosen);
        let next: number;
        switch (event.key) {
            case 'ArrowRight': case 'ArrowDown': next = (now + 1) % Math.max(1, all.length); break;
            case 'ArrowLeft': case 'ArrowUp': next = now <= 0 ? all.length - 1 : now - 1; break;
            case 'Home': next = 0; break;
            case 'End': next = all.length - 1; break;
            case 'Escape': next = -1; break;
            default: return;
        }
        event.preventDefault();
        const item = all[next] ?? null;
        this.choose(item);
        this.spoken.textContent = item ? `${this.text(item)} (${next + 1} of ${all.length})` : '';
    };
}

function layer(parent: HTMLElement, style: Partial<CSSStyleDeclaration>): HTMLElement {
    const element = document.createElement('div');
    Object.assign(element.style, { position: 'absolute', left: '0', top: '0' }, style);
    parent.append(element);
    return element;
}
