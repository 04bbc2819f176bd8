/** What the page knows: the newest rows of every tile, who looks, and whether all that is of now. */
import type { CatalogEntry, Connection, Me, PatchEvent, Row, StateEvent, Tile } from './types';
import { records } from './types';

/** live: rows are of now; silent: no loop beats; down: no database; gone: no server; waiting: nothing came yet; refused: no token. */
export type Standing = 'waiting' | 'live' | 'silent' | 'down' | 'gone' | 'refused';

export class Store {
    tiles: Record<string, Tile> = {};
    catalog: Record<string, CatalogEntry> = {};
    me: Me = { role: null, operator: false, actions: false };
    connection: Connection | null = null;
    line: 'waiting' | 'open' | 'gone' | 'refused' = 'waiting';
    /** When the last word of the server came, ms since 1970. */
    heard = 0;
    private readonly listeners = new Map<string, (() => void)[]>();

    /** Calls back when a tile has new rows, or 'standing', 'me' or 'catalog' changed. */
    on(what: string, listener: () => void): void {
        this.listeners.set(what, [...(this.listeners.get(what) ?? []), listener]);
    }

    get standing(): Standing {
        if (this.line !== 'open') return this.line;
        if (this.connection == null) return 'waiting';
        return this.connection.state === 'up' ? 'live' : this.connection.state;
    }

    rows(tile: string): Row[] {
        return records(this.tiles[tile]);
    }

    setLine(line: Store['line']): void {
        if (line === 'open') this.heard = Date.now();
        if (line === this.line) return;
        this.line = line;
        this.tell('standing');
    }

    take(event: string, data: unknown): void {
        if (event === 'state') {
            const state = data as StateEvent;
            Object.assign(this, { me: state.me, connection: state.connection, catalog: state.catalog, tiles: state.tiles });
            for (const what of ['catalog', 'me', 'standing', ...Object.keys(state.tiles)]) this.tell(what);
        } else if (event === 'patch') {
            const patch = data as PatchEvent;
            Object.assign(this.tiles, patch.tiles);
            if (patch.connection) {
                this.connection = patch.connection;
                this.tell('standing');
            }
            for (const tile of Object.keys(patch.tiles)) this.tell(tile);
        }
    }

    private tell(what: string): void {
        for (const listener of this.listeners.get(what) ?? []) listener();
    }
}
