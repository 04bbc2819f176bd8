/** Colours of the roles. Every one stands out from its ground by at least 3 : 1 (WCAG 1.4.11); a test computes it. */
import type { Role, Theme } from './types';

export type Rgb = readonly [number, number, number];

export interface Palette {
    ground: string;
    /** Words on the ground: at least 4.5 : 1. */
    ink: string;
    roles: Record<Role, string>;
}

export const PALETTES: Record<Theme, Palette> = {
    light: {
        ground: '#fcfbf8',
        ink: '#1d2330',
        roles: {
            good: '#0b7a62', fair: '#846200', warning: '#b84600', critical: '#c2183c', accent: '#3a4fd0',
            other: '#7a4fb5', muted: '#7b818c',
        },
    },
    dark: {
        ground: '#0d1220',
        ink: '#e8ecf5',
        roles: {
            good: '#35c9a0', fair: '#e3bd45', warning: '#ff9142', critical: '#ff5d78', accent: '#8ea4ff',
            other: '#c3a0f7', muted: '#76809a',
        },
    },
};

/** '#rrggbb' as three shares from 0 to 1. */
export function rgb(hex: string): Rgb {
    const number = Number.parseInt(hex.slice(1), 16);
    return [(number >> 16) / 255, ((number >> 8) & 255) / 255, (number & 255) / 255];
}

export function css(colour: Rgb | readonly number[], alpha = 1): string {
    const [r, g, b] = colour.map((share) => Math.round(share * 255));
    return `rgba(${r}, ${g}, ${b}, ${alpha})`;
}

/** The contrast ratio of two colours by WCAG 2, from 1 to 21. */
export function contrast(one: string, other: string): number {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
    return (high + 0.05) / (low + 0.05);
}

function luminance(hex: string): number {
    const [r, g, b] = rgb(hex).map((share) => (share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4)) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
