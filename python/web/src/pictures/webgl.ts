/** A picture in WebGL by three.js: tubes and solids, two draw calls for the most of it. Loaded only when it is needed. */
import {
    AmbientLight, BoxGeometry, BufferAttribute, BufferGeometry, Color, ConeGeometry, CylinderGeometry, DirectionalLight, DoubleSide, Group,
    InstancedMesh, Matrix4, Mesh, MeshBasicMaterial, MeshLambertMaterial, OctahedronGeometry, PerspectiveCamera, Quaternion, Scene,
    SphereGeometry, SRGBColorSpace, TorusGeometry, Vector3, WebGLRenderer,
} from 'three';
import { dashOf, GLYPHS, type Glyph, type Look } from './looks';
import { BLUE, dash, GREEN, type Item, type Model, PRESENCE, RED, SIZE, TRAIL, X, Y, Z } from './model';
import { distance, FIELD_OF_VIEW, projector, type View } from './view';

type Layer = Glyph | 'tube' | 'joint' | 'trail' | 'halo';
const UP = new Vector3(0, 1, 0);

function geometry(layer: Layer): BufferGeometry {
    switch (layer) {
        case 'tube': return new CylinderGeometry(1, 1, 1, 12, 1);
        case 'joint': return new SphereGeometry(1, 12, 8);
        case 'disc': case 'trail': return new SphereGeometry(1, 20, 14);
        case 'square': return new BoxGeometry(1.7, 1.7, 1.7);
        case 'triangle': return new ConeGeometry(1.25, 2, 3);
        case 'diamond': return new OctahedronGeometry(1.3);
        case 'bullseye': return new SphereGeometry(0.75, 20, 14);
        case 'halo': return new TorusGeometry(1.4, 0.17, 8, 32);
        case 'ring': return new TorusGeometry(0.85, 0.3, 10, 28);
        case 'dash': return new BoxGeometry(2, 0.6, 0.6);
    }
}

export class WebglScene {
    private readonly renderer: WebGLRenderer;
    private readonly scene = new Scene();
    private readonly group = new Group();
    private readonly camera = new PerspectiveCamera(FIELD_OF_VIEW, 1, 0.1, 60);
    private readonly layers = new Map<Layer, InstancedMesh>();
    private readonly used = new Map<Layer, number>();
    private readonly planes: Mesh<BufferGeometry, MeshBasicMaterial>[] = [];
    private shown = '';
    private readonly matrix = new Matrix4();
    private readonly turn = new Quaternion();
    private readonly from = new Vector3();
    private readonly to = new Vector3();
    private readonly scale = new Vector3();
    private readonly colour = new Color();
    private readonly look: Look;

    /** Raises if there is no WebGL. */
    constructor(canvas: HTMLCanvasElement, look: Look) {
        this.look = look;
        this.renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true, powerPreference: 'low-power' });
        this.renderer.setClearColor(0x000000, 0);
        const sun = new DirectionalLight(0xffffff, 1.5);
        sun.position.set(-1.5, 2.5, 4);
        this.scene.add(new AmbientLight(0xffffff, 2.1), sun, this.group);
    }

    draw(model: Model, view: View, ratio: number, time: number | null): void {
        this.renderer.setPixelRatio(ratio);
        this.renderer.setSize(view.width, view.height, false);
        this.camera.aspect = view.width / Math.max(1, view.height);
        this.camera.position.z = distance(view);
        this.camera.updateProjectionMatrix();
        this.group.rotation.set(view.tiltX, view.tiltY, 0);
        // Nothing may be thinner than can be seen.
        const unit = projector({ ...view, tiltX: 0, tiltY: 0 })(0, 0, 0).scale;
        const state = `${model.version}/${unit}/${time == null}`;
        if (state !== this.shown) {
            this.shown = state;
            this.fill(model, unit, time);
        }
        if (time != null) this.run(model, unit, time);
        this.renderer.render(this.scene, this.camera);
    }

    dispose(): void {
        for (const mesh of [...this.layers.values(), ...this.planes]) {
            mesh.geometry.dispose();
            (mesh.material as MeshBasicMaterial).dispose();
        }
        this.renderer.dispose();
        this.renderer.forceContextLoss();
    }

    /** Everything that stands still. */
    private fill(model: Model, unit: number, time: number | null): void {
        this.used.clear();
        for (const item of model.items) {
            if (item.now[PRESENCE]! < 0.01) continue;
            if (item.row.shape === 'segment') this.segment(item, unit);
            else if (!(item.mark && time != null)) this.point(item, unit, item.now[X]!, item.now[Y]!, item.now[Z]!, GLYPHS[item.row.color], 1);
        }
        this.finish();
        if (this.look.filled) this.fillPlanes(model);
    }

    /** The marks, and their way there. */
    private run(model: Model, unit: number, time: number): void {
        for (const layer of ['bullseye', 'halo', 'trail'] as const) this.used.set(layer, 0);
        for (const item of model.items) {
            if (!item.mark) continue;
            const angle = model.markAngle(item, time);
            this.point(item, unit, Math.sin(angle), Math.cos(angle), 0, 'bullseye', 1);
            for (const [back, share] of TRAIL) this.point(item, unit, Math.sin(angle - back), Math.cos(angle - back), 0, 'trail', share * 0.8);
        }
        this.finish();
    }

    private segment(item: Item, unit: number): void {
        const share = dashOf(this.look, item.row.color);
        const [x, y, z, x2, y2, z2] = dash(item.now, share);
        this.from.set(x, y, z);
        this.to.set(x2, y2, z2);
        const radius = Math.max(0.8 / unit, this.look.tube[0] + this.look.tube[1] * item.now[SIZE]!) * item.now[PRESENCE]!;
        if (share === 1) {
            this.turn.identity();
            for (const end of [this.from, this.to]) this.place('joint', this.matrix.compose(end, this.turn, this.scale.setScalar(radius)), item);
        }
        const length = this.from.distanceTo(this.to);
        this.turn.setFromUnitVectors(UP, this.to.clone().sub(this.from).divideScalar(length || 1));
        const centre = this.from.clone().add(this.to).multiplyScalar(0.5);
        this.place('tube', this.matrix.compose(centre, this.turn, this.scale.set(radius, length, radius)), item);
    }

    private point(item: Item, unit: number, x: number, y: number, z: number, form: Layer, share: number): void {
        const radius = Math.max(1.8 / unit, this.look.point[0] + this.look.point[1] * item.now[SIZE]!) * item.now[PRESENCE]! * share;
        this.turn.identity();
        this.place(form, this.matrix.compose(this.from.set(x, y, z), this.turn, this.scale.setScalar(radius)), item);
        if (form === 'bullseye' || form === 'diamond') this.place('halo', this.matrix, item);
    }

    private place(layer: Layer, matrix: Matrix4, item: Item): void {
        const number = this.used.get(layer) ?? 0;
        let mesh = this.layers.get(layer);
        if (!mesh || mesh.instanceMatrix.count <= number) mesh = this.grow(layer, mesh);
        mesh.setMatrixAt(number, matrix);
        mesh.setColorAt(number, this.colour.setRGB(item.now[RED]!, item.now[GREEN]!, item.now[BLUE]!, SRGBColorSpace));
        this.used.set(layer, number + 1);
    }

    /** Room for twice as many of a form. */
    private grow(layer: Layer, old: InstancedMesh | undefined): InstancedMesh {
        const room = 2 * (old?.instanceMatrix.count ?? 32);
        const mesh = new InstancedMesh(old?.geometry ?? geometry(layer), old?.material ?? new MeshLambertMaterial(), room);
        mesh.setColorAt(0, this.colour);
        if (old) {
            mesh.instanceMatrix.array.set(old.instanceMatrix.array);
            mesh.instanceColor!.array.set(old.instanceColor!.array);
            this.group.remove(old);
            old.dispose();
        }
        mesh.frustumCulled = false;
        this.group.add(mesh);
        this.layers.set(layer, mesh);
        return mesh;
    }

    private finish(): void {
        for (const [layer, mesh] of this.layers) {
            mesh.count = this.used.get(layer) ?? 0;
            mesh.instanceMatrix.needsUpdate = true;
            mesh.instanceColor!.needsUpdate = true;
        }
    }

    /** Each closed line of one label as a tinted plane: a fan of triangles about its middle. */
    private fillPlanes(model: Model): void {
        const lines = new Map<string, Item[]>();
        for (const item of model.items) {
            if (item.row.shape === 'segment') lines.set(item.row.label ?? '', [...(lines.get(item.row.label ?? '') ?? []), item]);
        }
        [...lines.values()].forEach((line, index) => {
            let plane = this.planes[index];
            if (!plane) {
                const tint = new MeshBasicMaterial({ transparent: true, opacity: 0.12, side: DoubleSide, depthWrite: false });
                plane = new Mesh(new BufferGeometry(), tint);
                this.planes.push(plane);
                this.group.add(plane);
            }
            const centre = [X, Y, Z].map((axis) => line.reduce((sum, item) => sum + item.now[axis]!, 0) / line.length);
            const corners = line.flatMap(({ now }) => [...centre, ...now.subarray(0, 6)]);
            plane.geometry.setAttribute('position', new BufferAttribute(Float32Array.from(corners), 3));
            plane.material.color.setRGB(line[0]!.now[RED]!, line[0]!.now[GREEN]!, line[0]!.now[BLUE]!, SRGBColorSpace);
        });
        this.planes.forEach((plane, index) => { plane.visible = index < lines.size; });
    }
}
