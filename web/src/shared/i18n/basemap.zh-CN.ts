/** 底图切换的文字。 */
const basemapZh = {
  open: '底图',
  choose: '选择底图',
  gcj02: '该底图为 GCJ-02 坐标，显示时已纠偏到 CGCS2000',
  layers: '已导入图层：{names}',
  noLayers: '尚未导入水系、道路等图层',
  onlyPlain: '系统管理员可在设置中接入天地图或离线底图。',
}
export default basemapZh
