/** The five pictures, for the page and the Grafana panel. */
export { contrast, PALETTES, type Palette } from './palette';
export { createPicture } from './picture';
export { describe, type Description, valueText, type Wrong } from './describe';
export { dashOf, DASHES, GLYPHS, type Legend, type Look, LOOKS } from './looks';
export { drawnRows, type DrawnRow, type Picture, type PictureName, type PictureOptions, type Role, ROLES, type Theme } from './types';
