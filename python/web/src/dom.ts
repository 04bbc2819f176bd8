/** Elements made from text only: nothing that comes from the server is ever read as markup. */

export type Child = Node | string | number | null | undefined | false;

export interface Props {
    class?: string;
    id?: string;
    on?: Record<string, (event: Event) => void>;
    [attribute: string]: unknown;
}

/** An element with attributes, listeners and children; strings become text nodes. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
        if (value == null || value === false) continue;
        if (name === 'on') {
            for (const [event, listener] of Object.entries(value as NonNullable<Props['on']>)) element.addEventListener(event, listener);
        } else {
            element.setAttribute(name, value === true ? '' : String(value));
        }
    }
    add(element, children);
    return element;
}

export function add(element: Element, children: readonly Child[]): void {
    for (const child of children) {
        if (child != null && child !== false) element.append(child instanceof Node ? child : String(child));
    }
}

/** Replaces what is in an element. */
export function fill(element: Element, ...children: Child[]): void {
    element.replaceChildren();
    add(element, children);
}

/** Sets a text only if it is another one: no mutation, no speech, no layout for nothing. */
export function say(element: Element, text: string): void {
    if (element.textContent !== text) element.textContent = text;
}

export function set(element: Element, attribute: string, value: string | null): void {
    if (value == null) element.removeAttribute(attribute);
    else if (element.getAttribute(attribute) !== value) element.setAttribute(attribute, value);
}

/** Gives text to the clipboard; where there is none (plain HTTP), by the old command. */
export async function copy(text: string): Promise<void> {
    if (navigator.clipboard) {
        await navigator.clipboard.writeText(text);
        return;
    }
    const area = h('textarea', { class: 'unseen', 'aria-hidden': 'true' });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
}

/** A button that copies a text and says so. */
export function copyButton(text: () => string, label = 'Copy'): HTMLButtonElement {
    const button = h('button', { type: 'button', class: 'quiet' }, label);
    button.addEventListener('click', () => {
        void copy(text()).then(() => {
            button.textContent = 'Copied';
            setTimeout(() => { button.textContent = label; }, 1500);
        });
    });
    return button;
}
