/** What Grafana loads: the panel and its options. */
import { PanelPlugin } from '@grafana/data';

import { offer, type Options } from './options';
import { Panel } from './Panel';

export const plugin = new PanelPlugin<Options>(Panel).setNoPadding().setPanelOptions(offer);
