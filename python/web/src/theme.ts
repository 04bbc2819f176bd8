/** Light or dark, moving or still: as the system wants it until somebody chooses. */
import type { Theme } from './pictures';

const DARK = '(prefers-color-scheme: dark)';
const STILL = '(prefers-reduced-motion: reduce)';

class Choice<T extends string> {
    private readonly listeners: ((value: T) => void)[] = [];
    private readonly name: string;
    private readonly values: readonly [T, T];
    private readonly media: MediaQueryList;

    /** The second value is that of the system's wish. */
    constructor(name: string, values: readonly [T, T], query: string) {
        this.name = name;
        this.values = values;
        this.media = matchMedia(query);
        this.media.addEventListener('change', () => this.apply());
    }

    get value(): T {
        const chosen = localStorage.getItem(`asymmetrica.${this.name}`);
        return this.values.find((value) => value === chosen) ?? this.values[this.media.matches ? 1 : 0];
    }

    toggle(): void {
        const other = this.values[this.value === this.values[0] ? 1 : 0];
        localStorage.setItem(`asymmetrica.${this.name}`, other);
        this.apply();
    }

    on(listener: (value: T) => void): void {
        this.listeners.push(listener);
        listener(this.value);
    }

    private apply(): void {
        for (const listener of this.listeners) listener(this.value);
    }
}

export const theme = new Choice<Theme>('theme', ['light', 'dark'], DARK);
export const motion = new Choice<'moving' | 'still'>('motion', ['moving', 'still'], STILL);
