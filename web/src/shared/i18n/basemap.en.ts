import type basemapZh from './basemap.zh-CN'

/** English words of the base map switch. */
const basemapEn: typeof basemapZh = {
  open: 'Base map',
  choose: 'Choose a base map',
  gcj02: 'This base map is in GCJ-02; it is shifted back to CGCS2000 when drawn',
  layers: 'Imported layers: {names}',
  noLayers: 'No water, roads or the like imported yet',
  onlyPlain: 'The administrator can offer Tianditu or an offline map in the settings.',
}
export default basemapEn
