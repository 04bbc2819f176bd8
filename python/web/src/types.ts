/** What the server sends: see asymmetrica dashboard. */
export type Cell = unknown;

export interface Rows {
    columns: string[];
    rows: Cell[][];
}

export interface Tile extends Rows {
    /** When these rows were first read. */
    at: string;
    error: { sqlstate: string | null; message: string } | null;
}

export interface CatalogEntry {
    title: string;
    about: string;
    query: string;
    every: number;
    picture: boolean;
}

export interface Me {
    role: string | null;
    operator: boolean;
    superuser?: boolean;
    actions: boolean;
}

export interface Connection {
    state: 'up' | 'down' | 'silent';
    since: string;
    message: string | null;
}

export interface StateEvent {
    seq: number;
    boot: string;
    me: Me;
    connection: Connection;
    catalog: Record<string, CatalogEntry>;
    tiles: Record<string, Tile>;
}

export interface PatchEvent {
    seq: number;
    connection?: Connection;
    tiles: Record<string, Tile>;
}

export type Row = Record<string, Cell>;

/** Rows as objects. */
export function records(rows: Rows | undefined): Row[] {
    return (rows?.rows ?? []).map((row) => Object.fromEntries(row.map((value, place) => [rows!.columns[place] ?? '', value])));
}
