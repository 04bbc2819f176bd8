/** From the box of a picture to the pixels of the screen: one projection for WebGL, the 2-D canvas, words and the pointer. */

export const FIELD_OF_VIEW = 28;
const HALF = Math.tan((FIELD_OF_VIEW / 2) * (Math.PI / 180));

export interface View {
    width: number;
    height: number;
    /** Tilt about the horizontal and the vertical axis, in radians. */
    tiltX: number;
    tiltY: number;
    /** Half of what must be seen: the box has 1. */
    reach: number;
}

export interface Place {
    x: number;
    y: number;
    /** Towards the eye; the larger the nearer. */
    depth: number;
    /** Pixels that one unit of the box has there. */
    scale: number;
}

/** How far the eye is from the middle of the box, so that all of it is seen whatever the form of the screen. */
export function distance(view: View): number {
    const aspect = view.width / Math.max(1, view.height);
    return view.reach / HALF / Math.min(1, aspect);
}

/** A function from the box to pixels, for many points of one view. */
export function projector(view: View): (x: number, y: number, z: number) => Place {
    const far = distance(view);
    const focus = view.height / 2 / HALF;
    const [cx, sx] = [Math.cos(view.tiltX), Math.sin(view.tiltX)];
    const [cy, sy] = [Math.cos(view.tiltY), Math.sin(view.tiltY)];
    return (x, y, z) => {
        const turnedX = cy * x + sy * z;
        const turnedZ = cy * z - sy * x;
        const turnedY = cx * y - sx * turnedZ;
        const depth = sx * y + cx * turnedZ;
        const scale = focus / (far - depth);
        return { x: view.width / 2 + turnedX * scale, y: view.height / 2 - turnedY * scale, depth, scale };
    };
}

/** How far a point is from a segment, all in pixels. */
export function distanceToSegment(x: number, y: number, a: Place, b: Place): number {
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const length = dx * dx + dy * dy;
    const t = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - a.x) * dx + (y - a.y) * dy) / length));
    return Math.hypot(x - a.x - t * dx, y - a.y - t * dy);
}
