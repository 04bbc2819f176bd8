/** A picture on a 2-D canvas: before three.js is there, where WebGL is not, and for small copies. */
import { dashOf, GLYPHS, type Glyph, type Look } from './looks';
import { BLUE, dash, GREEN, type Item, type Model, PRESENCE, RED, SIZE, TRAIL, X, X2, Y, Y2, Z, Z2 } from './model';
import { css, type Palette } from './palette';
import { projector, type View } from './view';

type Project = ReturnType<typeof projector>;

/** Draws all of it; `time` is where marks run to, null where they stand still. */
export function paint(context: CanvasRenderingContext2D, model: Model, look: Look, view: View, palette: Palette, time: number | null): void {
    const project = projector(view);
    context.lineJoin = 'round';
    if (look.filled) fills(context, model, project);
    const segments = model.items.filter((item) => item.row.shape === 'segment' && item.now[PRESENCE]! > 0.01);
    if (look.woven) {
        const depth = new Map(segments.map((item) => [item, project(middle(item, X), middle(item, Y), middle(item, Z)).depth]));
        segments.sort((a, b) => depth.get(a)! - depth.get(b)!);
    }
    for (const item of segments) segment(context, item, look, project, palette);
    for (const item of model.items) {
        if (item.row.shape === 'point' && !(item.mark && time != null)) point(context, item, look, project);
    }
    if (time == null) return;
    for (const item of model.items) if (item.mark) mark(context, model, item, look, project, time);
}

/** Pixels of the smallest point: less in a small copy. */
function least(place: { scale: number }): number {
    return Math.min(2.6, place.scale / 40);
}

function middle(item: Item, axis: number): number {
    return (item.now[axis]! + item.now[axis + 3]!) / 2;
}

function colour(item: Item, alpha = 1): string {
    return css([item.now[RED]!, item.now[GREEN]!, item.now[BLUE]!], alpha);
}

function segment(context: CanvasRenderingContext2D, item: Item, look: Look, project: Project, palette: Palette): void {
    const share = dashOf(look, item.row.color);
    const [x, y, z, x2, y2, z2] = dash(item.now, share);
    const [a, b] = [project(x, y, z), project(x2, y2, z2)];
    const width = Math.max(1.4, 2 * (look.tube[0] + look.tube[1] * item.now[SIZE]!) * a.scale) * item.now[PRESENCE]!;
    const stroke = (style: string, wide: number, cap: CanvasLineCap): void => {
        context.strokeStyle = style;
        context.lineWidth = wide;
        context.lineCap = cap;
        context.beginPath();
        context.moveTo(a.x, a.y);
        context.lineTo(b.x, b.y);
        context.stroke();
    };
    if (look.woven) stroke(palette.ground, width + 5, 'butt');
    stroke(colour(item), width, share === 1 ? 'round' : 'butt');
}

function point(context: CanvasRenderingContext2D, item: Item, look: Look, project: Project): void {
    const place = project(item.now[X]!, item.now[Y]!, item.now[Z]!);
    const radius = Math.max(least(place), (look.point[0] + look.point[1] * item.now[SIZE]!) * place.scale) * item.now[PRESENCE]!;
    if (radius > 0.2) glyph(context, GLYPHS[item.row.color], place.x, place.y, radius, colour(item));
}

/** The mark where the beat is, and its way there. */
function mark(context: CanvasRenderingContext2D, model: Model, item: Item, look: Look, project: Project, time: number): void {
    const angle = model.markAngle(item, time);
    for (const [back, share] of [...TRAIL].reverse()) {
        const place = project(Math.sin(angle - back), Math.cos(angle - back), 0);
        const radius = Math.max(least(place), (look.point[0] + look.point[1] * item.now[SIZE]!) * place.scale) * share * item.now[PRESENCE]!;
        glyph(context, 'disc', place.x, place.y, radius, colour(item, share * 0.55));
    }
    const place = project(Math.sin(angle), Math.cos(angle), 0);
    const radius = Math.max(least(place), (look.point[0] + look.point[1] * item.now[SIZE]!) * place.scale) * item.now[PRESENCE]!;
    glyph(context, 'bullseye', place.x, place.y, radius, colour(item));
}

/** A form of its own for each role. */
export function glyph(context: CanvasRenderingContext2D, form: Glyph, x: number, y: number, radius: number, style: string): void {
    context.fillStyle = context.strokeStyle = style;
    context.lineWidth = Math.max(1.2, radius * 0.32);
    context.beginPath();
    switch (form) {
        case 'disc':
            context.arc(x, y, radius, 0, 2 * Math.PI);
            context.fill();
            break;
        case 'bullseye':
            context.arc(x, y, radius * 0.72, 0, 2 * Math.PI);
            context.fill();
            context.beginPath();
            context.arc(x, y, radius * 1.35, 0, 2 * Math.PI);
            context.stroke();
            break;
        case 'ring':
            context.arc(x, y, radius * 0.85, 0, 2 * Math.PI);
            context.stroke();
            break;
        case 'dash':
            context.rect(x - radius, y - radius * 0.3, radius * 2, radius * 0.6);
            context.fill();
            break;
        default: {
            const corners = form === 'triangle' ? 3 : 4;
            const turn = form === 'square' ? Math.PI / 4 : 0;
            for (let n = 0; n < corners; n++) {
                const angle = turn + (2 * Math.PI * n) / corners;
                context.lineTo(x + 1.2 * radius * Math.sin(angle), y - 1.2 * radius * Math.cos(angle));
            }
            context.closePath();
            context.fill();
        }
    }
}

/** Each closed line of one label as a tinted plane. */
function fills(context: CanvasRenderingContext2D, model: Model, project: Project): void {
    const lines = new Map<string, Item[]>();
    for (const item of model.items) {
        if (item.row.shape === 'segment') lines.set(item.row.label ?? '', [...(lines.get(item.row.label ?? '') ?? []), item]);
    }
    for (const line of lines.values()) {
        context.fillStyle = colour(line[0]!, 0.12 * line[0]!.now[PRESENCE]!);
        context.beginPath();
        for (const { now } of line) {
            const place = project(now[X]!, now[Y]!, now[Z]!);
            context.lineTo(place.x, place.y);
        }
        const { now } = line.at(-1)!;
        const end = project(now[X2]!, now[Y2]!, now[Z2]!);
        context.lineTo(end.x, end.y);
        context.fill();
    }
}
