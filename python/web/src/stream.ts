/** Server-sent events over fetch: with a token, with Last-Event-ID, and never silent without saying so. */

export interface Message {
    id: string | null;
    event: string;
    data: string;
}

/** Takes pieces of text and returns the events that are complete. */
export class Parser {
    private rest = '';

    push(text: string): Message[] {
        this.rest += text;
        const blocks = this.rest.split(/\r?\n\r?\n/);
        this.rest = blocks.pop() ?? '';
        return blocks.map(parse).filter((message) => message != null);
    }
}

function parse(block: string): Message | null {
    const message: Message = { id: null, event: 'message', data: '' };
    const data: string[] = [];
    for (const line of block.split(/\r?\n/)) {
        const colon = line.indexOf(':');
        if (colon <= 0) continue;
        const value = line.slice(colon + 1).replace(/^ /, '');
        const name = line.slice(0, colon);
        if (name === 'data') data.push(value);
        else if (name === 'event') message.event = value;
        else if (name === 'id') message.id = value;
    }
    message.data = data.join('\n');
    return data.length > 0 ? message : null;
}

export interface StreamOptions {
    url: string;
    headers: () => Record<string, string>;
    onMessage: (event: string, data: unknown) => void;
    /** open: bytes come; gone: they don't, and it is tried again; refused: the token is missing or wrong. */
    onLine: (line: 'open' | 'gone' | 'refused') => void;
    /** Milliseconds without a byte after which the line is given up. */
    patience: () => number;
}

export class Stream {
    private last: string | null = null;
    private stopped = false;
    private tries = 0;
    private wake: (() => void) | null = null;
    private readonly options: StreamOptions;

    constructor(options: StreamOptions) {
        this.options = options;
    }

    start(): void {
        void this.run();
        window.addEventListener('online', () => this.retry());
    }

    stop(): void {
        this.stopped = true;
        this.retry();
    }

    /** Tries again at once. */
    retry(): void {
        this.tries = 0;
        this.wake?.();
    }

    private async run(): Promise<void> {
        while (!this.stopped) {
            let refused = false;
            try {
                refused = await this.connect();
            } catch {
                // Whatever broke: it is tried again, from what was seen last.
            }
            if (this.stopped) return;
            this.options.onLine(refused ? 'refused' : 'gone');
            this.tries++;
            const pause = refused ? 3_600_000 : Math.min(5000, 200 * 2 ** this.tries) * (0.7 + 0.6 * Math.random());
            await new Promise<void>((resolve) => {
                this.wake = resolve;
                setTimeout(resolve, pause);
            });
        }
    }

    /** Reads until the line breaks; true if the token is refused. */
    private async connect(): Promise<boolean> {
        const control = new AbortController();
        let timer = setTimeout(() => control.abort(), this.options.patience());
        try {
            const headers = { ...this.options.headers(), ...(this.last ? { 'Last-Event-ID': this.last } : {}) };
            const response = await fetch(this.options.url, { headers, cache: 'no-store', signal: control.signal });
            if (response.status === 401) return true;
            if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
            const reader = response.body.getReader();
            const decoder = new TextDecoder();
            const parser = new Parser();
            for (;;) {
                const { done, value } = await reader.read();
                if (done) return false;
                clearTimeout(timer);
                timer = setTimeout(() => control.abort(), this.options.patience());
                this.tries = 0;
                this.options.onLine('open');
                for (const { id, event, data } of parser.push(decoder.decode(value, { stream: true }))) {
                    this.options.onMessage(event, JSON.parse(data));
                    if (id) this.last = id;
                }
            }
        } finally {
            clearTimeout(timer);
            control.abort();
        }
    }
}
