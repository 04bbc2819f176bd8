/** A picture in a panel: made once, fed with every result, taken down with the panel. */
import { type PanelProps, ThemeContext } from '@grafana/data';
import React, { useContext, useEffect, useMemo, useRef } from 'react';

import { createPicture, type Picture } from '../../src/pictures';
import { chosen, type Options } from './options';
import { found } from './rows';

const REDUCED = '(prefers-reduced-motion: reduce)';

export function Panel({ data, options, width, height, fieldConfig }: PanelProps<Options>): React.JSX.Element {
    const host = useRef<HTMLDivElement>(null);
    const picture = useRef<Picture | null>(null);
    const theme = useContext(ThemeContext).isDark ? 'dark' : 'light';
    const { picture: name, dimensions, labels } = chosen(options);
    const { rows, missing } = useMemo(() => found(data.series), [data.series]);
    const failed = data.state === 'Error';
    const said =
        missing.length > 0
            ? `The query lacks ${missing.join(', ')}: SELECT * FROM asymm.draw('${name}')`
            : rows.length === 0
              ? (fieldConfig.defaults.noValue ?? `Nothing to draw: SELECT * FROM asymm.draw('${name}')`)
              : null;

    useEffect(() => {
        if (!host.current) return undefined;
        const reduced = window.matchMedia(REDUCED);
        const made = createPicture(host.current, {
            picture: name, theme, reducedMotion: reduced.matches, force2d: dimensions === '2d', thumbnail: !labels,
        });
        const changed = (): void => made.setReducedMotion(reduced.matches);
        reduced.addEventListener('change', changed);
        picture.current = made;
        return () => {
            reduced.removeEventListener('change', changed);
            picture.current = null;
            made.dispose();
        };
        // The theme is set below: a picture isn't made anew for it.
    }, [name, dimensions, labels]);

    useEffect(() => picture.current?.setTheme(theme), [theme]);
    useEffect(() => picture.current?.setLive(!failed), [failed, name, dimensions, labels]);
    useEffect(() => picture.current?.update(rows), [rows, name, dimensions, labels]);
    useEffect(() => picture.current?.resize(), [width, height]);

    return (
        <div style={{ position: 'relative', width, height, overflow: 'hidden' }}>
            <div ref={host} style={{ position: 'absolute', inset: 0, visibility: said == null ? 'visible' : 'hidden' }} />
            {said != null && (
                <div role="status" style={{ position: 'absolute', inset: 0, display: 'grid', placeItems: 'center', textAlign: 'center', padding: 8 }}>
                    {said}
                </div>
            )}
        </div>
    );
}
