/** What can be chosen for a panel. */
import type { PanelOptionsEditorBuilder } from '@grafana/data';

import type { PictureName } from '../../src/pictures';

export interface Options {
    picture: PictureName;
    dimensions: '3d' | '2d';
    labels: boolean;
}

export const PICTURES: { value: PictureName; label: string; description: string }[] = [
    { value: 'heartbeat', label: 'Heartbeat', description: 'A ring of what is watched, open where something drifted' },
    { value: 'telemetry', label: 'Telemetry', description: 'System health over time as a golden spiral' },
    { value: 'experiments', label: 'Experiments', description: 'Index experiments as a dragon curve' },
    { value: 'mirror_overlap', label: 'Mirror overlap', description: 'How much of what the database has the mirror serves' },
    { value: 'fleet', label: 'Fleet', description: 'Databases in step as linked rings' },
];

export const DEFAULTS: Options = { picture: 'heartbeat', dimensions: '3d', labels: true };

/** Options as a dashboard has them: of an older version, written by hand, or none at all. */
export function chosen(said: Partial<Options> | undefined): Options {
    return {
        picture: PICTURES.find(({ value }) => value === said?.picture)?.value ?? DEFAULTS.picture,
        dimensions: said?.dimensions === '2d' ? '2d' : '3d',
        labels: said?.labels !== false,
    };
}

export function offer(builder: PanelOptionsEditorBuilder<Options>): void {
    builder
        .addSelect({
            path: 'picture',
            name: 'Picture',
            description: "What the rows show: the query is SELECT * FROM asymm.draw('heartbeat'), with the name of the picture",
            defaultValue: DEFAULTS.picture,
            settings: { options: PICTURES },
        })
        .addRadio({
            path: 'dimensions',
            name: 'Dimensions',
            description: 'In 3-D where the browser has WebGL',
            defaultValue: DEFAULTS.dimensions,
            settings: { options: [{ value: '3d', label: '3-D' }, { value: '2d', label: '2-D' }] },
        })
        .addBooleanSwitch({
            path: 'labels',
            name: 'Words',
            description: 'Words, the tip under the pointer, and the way through the picture by keyboard',
            defaultValue: DEFAULTS.labels,
        });
}
