/** One live picture in a host element: 2-D at once, WebGL as soon as three.js is there, words and hover over both. */
import { paint } from './canvas2d';
import { describe } from './describe';
import { LOOKS } from './looks';
import { Model } from './model';
import { Overlay } from './overlay';
import { PALETTES } from './palette';
import type { DrawnRow, Picture, PictureOptions, Theme } from './types';
import type { View } from './view';
import type { WebglScene } from './webgl';
import { words } from './words';

const TRANSITION_MS = 700;
const POINTER_TILT = 0.22;

export function createPicture(host: HTMLElement, options: PictureOptions): Picture {
    return new LivePicture(host, options);
}

class LivePicture implements Picture {
    readonly ready: Promise<void>;
    private readonly host: HTMLElement;
    private readonly options: PictureOptions;
    private readonly look;
    private readonly model: Model;
    private readonly overlay: Overlay;
    private readonly flat: HTMLCanvasElement;
    private solid: HTMLCanvasElement | null = null;
    private scene: WebglScene | null = null;
    private view: View;
    private live = true;
    private disposed = false;
    private seen = true;
    private frame = 0;
    private last = 0;
    private readonly began = performance.now();
    private pointer: { x: number; y: number } | null = null;
    private observers: { disconnect(): void }[] = [];

    constructor(host: HTMLElement, options: PictureOptions) {
        this.host = host;
        this.options = { ...options };
        this.look = LOOKS[options.picture];
        this.model = new Model(options.picture, PALETTES[options.theme]);
        this.view = { width: 0, height: 0, tiltX: this.look.tilt[0], tiltY: this.look.tilt[1], reach: this.look.reach };
        if (getComputedStyle(host).position === 'static') host.style.position = 'relative';
        this.flat = canvas(host);
        this.overlay = new Overlay(host, this.options, this.model, () => this.view);
        if (!options.thumbnail) {
            host.addEventListener('pointermove', this.onPointer);
            host.addEventListener('pointerleave', this.onLeave);
        }
        if (typeof ResizeObserver !== 'undefined') this.observe(new ResizeObserver(() => this.resize()));
        if (typeof IntersectionObserver !== 'undefined') {
            this.observe(new IntersectionObserver((entries) => {
                this.seen = entries.at(-1)?.isIntersecting ?? true;
                if (this.seen) this.request();
            }));
        }
        this.resize();
        this.ready = options.force2d ? Promise.resolve() : this.loadWebgl();
    }

    get mode(): 'webgl' | '2d' {
        return this.scene ? 'webgl' : '2d';
    }

    update(rows: DrawnRow[]): void {
        const first = this.model.version === 0;
        this.model.update(rows, performance.now(), this.options.reducedMotion || first ? 0 : TRANSITION_MS);
        this.overlay.describe(describe(this.options.picture, rows), rows.length === 0);
        this.request();
    }

    resize(): void {
        const { clientWidth: width, clientHeight: height } = this.host;
        if (width === this.view.width && height === this.view.height) return;
        this.view = { ...this.view, width, height };
        if (width > 0 && height > 0) this.draw(performance.now());
    }

    setTheme(theme: Theme): void {
        this.options.theme = theme;
        this.model.repaint(PALETTES[theme]);
        this.overlay.repaint();
        this.request();
    }

    setReducedMotion(reduced: boolean): void {
        this.options.reducedMotion = reduced;
        this.request();
    }

    setLive(live: boolean): void {
        this.live = live;
        this.request();
    }

    async toPng(): Promise<Blob> {
        const time = performance.now();
        this.draw(time);
        const ratio = this.ratio();
        const target = document.createElement('canvas');
        target.width = Math.round(this.view.width * ratio);
        target.height = Math.round(this.view.height * ratio);
        const context = target.getContext('2d');
        if (!context) throw new Error('no 2-D canvas');
        context.fillStyle = PALETTES[this.options.theme].ground;
        context.fillRect(0, 0, target.width, target.height);
        // A WebGL canvas may be read only in the task that drew it.
        context.drawImage(this.scene && this.solid ? this.solid : this.flat, 0, 0, target.width, target.height);
        context.scale(ratio, ratio);
        context.fillStyle = PALETTES[this.options.theme].ink;
        context.font = '12px system-ui, sans-serif';
        context.textBaseline = 'middle';
        for (const word of words(this.options.picture, this.model, this.view)) {
            context.textAlign = word.align;
            context.fillText(word.text, word.x, word.y);
        }
        context.textAlign = 'left';
        context.fillText(`${this.look.title} · ${new Date().toISOString().slice(0, 19).replace('T', ' ')} UTC`, 10, this.view.height - 14);
        return new Promise((resolve, reject) => {
            target.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no PNG could be made'))), 'image/png');
        });
    }

    dispose(): void {
        this.disposed = true;
        cancelAnimationFrame(this.frame);
        for (const observer of this.observers) observer.disconnect();
        this.host.removeEventListener('pointermove', this.onPointer);
        this.host.removeEventListener('pointerleave', this.onLeave);
        this.scene?.dispose();
        this.overlay.dispose();
        this.flat.remove();
        this.solid?.remove();
    }

    private observe(observer: ResizeObserver | IntersectionObserver): void {
        observer.observe(this.host);
        this.observers.push(observer);
    }

    private async loadWebgl(): Promise<void> {
        let solid: HTMLCanvasElement | null = null;
        try {
            const { WebglScene } = await import('./webgl');
            if (this.disposed) return;
            solid = canvas(this.host, this.flat);
            this.scene = new WebglScene(solid, this.look);
            this.solid = solid;
            solid.addEventListener('webglcontextlost', () => this.flatten());
            this.draw(performance.now());
            this.flat.style.visibility = 'hidden';
        } catch {
            solid?.remove();
            this.flatten();
        }
    }

    /** Goes on in 2-D: there is no WebGL, or its context was lost. */
    private flatten(): void {
        this.solid?.remove();
        this.solid = null;
        this.scene = null;
        this.flat.style.visibility = 'visible';
        if (!this.disposed) this.request();
    }

    private ratio(): number {
        return Math.min(2, window.devicePixelRatio || 1);
    }

    /** Where marks run to; null where they stand still. */
    private running(time: number): number | null {
        const runs = this.live && !this.options.reducedMotion;
        return runs && this.model.items.some((item) => item.mark && item.row.color === 'accent') ? time : null;
    }

    private request(): void {
        if (this.frame === 0 && !this.disposed) this.frame = requestAnimationFrame(this.onFrame);
    }

    private readonly onFrame = (time: number): void => {
        this.frame = 0;
        if (!this.seen || this.disposed) return;
        const moving = this.model.step(time);
        const tilting = this.tilt(time);
        this.draw(time);
        if (moving || tilting || this.running(time) != null) this.request();
    };

    /** Leans a little towards the pointer, and sways if this picture does; true while it moves. */
    private tilt(time: number): boolean {
        const passed = Math.min(0.1, (time - this.last) / 1000);
        this.last = time;
        let [x, y] = this.look.tilt as [number, number];
        const still = this.options.reducedMotion;
        const sways = !still && !this.options.thumbnail && this.live && this.look.sway > 0;
        if (sways) {
            x += this.look.sway * 0.5 * Math.sin((time - this.began) / 2900);
            y += this.look.sway * Math.sin((time - this.began) / 2100);
        }
        if (this.pointer && !still) {
            x += (this.pointer.y / Math.max(1, this.view.height) - 0.5) * POINTER_TILT;
            y += (this.pointer.x / Math.max(1, this.view.width) - 0.5) * POINTER_TILT;
        }
        const share = still ? 1 : 1 - Math.exp(-passed * 5);
        this.view.tiltX += (x - this.view.tiltX) * share;
        this.view.tiltY += (y - this.view.tiltY) * share;
        return sways || Math.abs(x - this.view.tiltX) + Math.abs(y - this.view.tiltY) > 0.001;
    }

    private draw(time: number): void {
        const { width, height } = this.view;
        if (width === 0 || height === 0) return;
        const ratio = this.ratio();
        if (this.scene) {
            this.scene.draw(this.model, this.view, ratio, this.running(time));
        } else {
            if (this.flat.width !== Math.round(width * ratio) || this.flat.height !== Math.round(height * ratio)) {
                this.flat.width = Math.round(width * ratio);
                this.flat.height = Math.round(height * ratio);
            }
            const context = this.flat.getContext('2d');
            if (context) {
                context.setTransform(ratio, 0, 0, ratio, 0, 0);
                context.clearRect(0, 0, width, height);
                paint(context, this.model, this.look, this.view, PALETTES[this.options.theme], this.running(time));
            }
        }
        this.overlay.place();
    }

    private readonly onPointer = (event: PointerEvent): void => {
        const box = this.host.getBoundingClientRect();
        this.pointer = { x: event.clientX - box.left, y: event.clientY - box.top };
        this.overlay.hover(this.pointer.x, this.pointer.y);
        this.request();
    };

    private readonly onLeave = (): void => {
        this.pointer = null;
        this.overlay.leave();
        this.request();
    };
}

function canvas(host: HTMLElement, before: Element | null = null): HTMLCanvasElement {
    const element = document.createElement('canvas');
    Object.assign(element.style, { position: 'absolute', inset: '0', width: '100%', height: '100%', display: 'block' });
    element.setAttribute('aria-hidden', 'true');
    host.insertBefore(element, before?.nextSibling ?? null);
    return element;
}
