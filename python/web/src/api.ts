/** Questions and decisions, with the token if there is one. */
import type { Rows } from './types';

const KEPT = 'asymmetrica.token';

/** An error as the server tells it. */
export class Problem extends Error {
    readonly status: number;
    readonly sqlstate: string | null;
    readonly detail: string | null;
    readonly hint: string | null;

    constructor(status: number, body: { sqlstate?: string | null; message?: string; detail?: string | null; hint?: string | null }) {
        super(body.message ?? `the server answered ${status}`);
        this.status = status;
        this.sqlstate = body.sqlstate ?? null;
        this.detail = body.detail ?? null;
        this.hint = body.hint ?? null;
    }
}

/** Takes the token from the address (#token=…), where it is not left, and keeps it for this tab. */
export function takeToken(): void {
    const given = new URLSearchParams(location.hash.slice(1)).get('token');
    if (given == null) return;
    keepToken(given);
    history.replaceState(null, '', location.pathname + location.search);
}

export function keepToken(token: string): void {
    sessionStorage.setItem(KEPT, token);
}

export function headers(): Record<string, string> {
    const token = sessionStorage.getItem(KEPT);
    return token ? { Authorization: `Bearer ${token}` } : {};
}

export async function ask(path: string, values: Record<string, string | null> = {}): Promise<Rows> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(values)) if (value) query.set(name, value);
    return await answer(await fetch(`/api/${path}?${query}`, { headers: headers(), cache: 'no-store' })) as Rows;
}

export async function askAction(id: number): Promise<{ action: Rows; history: Rows }> {
    return await answer(await fetch(`/api/actions/${id}`, { headers: headers(), cache: 'no-store' })) as { action: Rows; history: Rows };
}

export async function decide(path: string, body: Record<string, unknown>): Promise<Rows> {
    return await answer(await fetch(`/api/${path}`, {
        method: 'POST', headers: { ...headers(), 'Content-Type': 'application/json' }, body: JSON.stringify(body),
    })) as Rows;
}

async function answer(response: Response): Promise<unknown> {
    const body: unknown = await response.json().catch(() => ({}));
    if (!response.ok) throw new Problem(response.status, body as Record<string, string>);
    return body;
}
