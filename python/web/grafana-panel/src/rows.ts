/** What a query returned, as rows that a picture can draw. */
import type { DataFrame, Field } from '@grafana/data';

import { drawnRows, type DrawnRow } from '../../src/pictures';

const NEEDED = ['shape', 'x', 'y'];
const KNOWN = [...NEEDED, 'z', 'x2', 'y2', 'z2', 'size', 'color', 'label', 'value', 'node'];

export interface Found {
    rows: DrawnRow[];
    /** Columns without which nothing can be drawn; empty if there is no result at all. */
    missing: string[];
}

/** Takes the first result that has the columns of asymm.draw(), whatever their case and whatever they are displayed as. */
export function found(series: readonly DataFrame[]): Found {
    let missing: string[] = [];
    for (const frame of series) {
        const fields = columns(frame);
        const lacking = NEEDED.filter((name) => !fields.has(name));
        if (lacking.length === 0) {
            const names = [...fields.keys()];
            const values = [...fields.values()].map((field) => field.values);
            return { rows: drawnRows(names, Array.from({ length: frame.length }, (_, row) => values.map((column) => column[row]))), missing: [] };
        }
        if (frame.fields.length > 0 && (missing.length === 0 || lacking.length < missing.length)) missing = lacking;
    }
    return { rows: [], missing };
}

/** The columns by the names that asymm.draw() gives them. A name counts before what somebody had it displayed as. */
function columns(frame: DataFrame): Map<string, Field> {
    const result = new Map<string, Field>();
    const spelled = (name: string | null | undefined): string => (name ?? '').trim().toLowerCase();
    for (const name of [(field: Field) => field.name, (field: Field) => field.config.displayName]) {
        for (const field of frame.fields) {
            const known = spelled(name(field));
            if (KNOWN.includes(known) && !result.has(known)) result.set(known, field);
        }
    }
    return result;
}
