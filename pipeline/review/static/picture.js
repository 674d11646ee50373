// The picture of a ring, drawn by WebGL at its stored places. Without WebGL or script the drawing of the server stays.
const holder = document.getElementById("picture");
const canDraw = () => { const c = document.createElement("canvas"); return Boolean(c.getContext("webgl2")); };

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return { slots: [of("--ink"), of("--slot-1"), of("--slot-2"), of("--slot-3"), of("--slot-4")], line: of("--grey"), second: of("--second"), ink: of("--ink"), panel: of("--panel") };
}

// Marks of the palette, in units of a point's size: square, diamond, triangle, hexagon; hollow circles are fringe.
const MARKS = [
  null, [[-1, -1], [1, -1], [1, 1], [-1, 1]], [[0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0]], [[0, -1.4], [1.3, 1], [-1.3, 1]],
  [[-1.2, 0], [-0.6, -1.05], [0.6, -1.05], [1.2, 0], [0.6, 1.05], [-0.6, 1.05]],
];

// Draws a point's mark over its disc.
function mark(paint, context, data) {
  const corners = MARKS[data.slot];
  const r = radius(data);
  context.beginPath();
  if (corners) for (const [x, y] of corners) context.lineTo(data.x + x * r, data.y + y * r);
  else context.arc(data.x, data.y, r, 0, 2 * Math.PI);
  context.closePath();
  context.fillStyle = data.slot ? data.color : paint.panel;
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = data.slot ? paint.panel : data.color;
  context.stroke();
}

const radius = (data) => (data.slot ? data.size * 1.6 : data.size);
const hit = (box, x, y, r) => x + r > box.x && x - r < box.x + box.w && y + r > box.y && y - r < box.y + box.h;

// Words of the named things, each where it covers least: beside, above or below its mark, inside the picture, outlined in
// the ground's colour. Words that would lie on other words are left out; a click still tells them.
function words(paint, sigma, graph) {
  const context = sigma.getCanvases().labels.getContext("2d");
  const { width, height } = sigma.getDimensions();
  const seen = graph.mapNodes((key) => {
    const data = sigma.getNodeDisplayData(key);
    return { key, label: data.label, slot: graph.getNodeAttribute(key, "slot"), r: radius({ slot: data.slot, size: sigma.scaleSize(data.size) }), ...sigma.framedGraphToViewport(data) };
  });
  const told = [];
  context.font = "12px system-ui, 'DejaVu Sans', sans-serif";
  for (const point of seen) {
    if (!point.label) continue;
    const w = context.measureText(point.label).width, h = 14, gap = point.r + 4;
    const places = [[gap, -h / 2], [-gap - w, -h / 2], [-w / 2, -gap - h], [-w / 2, gap]]
      .map(([x, y]) => ({ x: point.x + x, y: point.y + y, w, h }))
      .filter((box) => box.x > 2 && box.y > 2 && box.x + w < width - 2 && box.y + h < height - 2)
      .filter((box) => told.every((t) => box.x > t.x + t.w || t.x > box.x + box.w || box.y > t.y + t.h || t.y > box.y + box.h));
    const cost = (box) => seen.reduce((sum, p) => sum + (p !== point && hit(box, p.x, p.y, p.r) ? (p.slot ? 100 : 1) : 0), 0);
    const best = places.map((box) => [cost(box), box]).sort((one, other) => one[0] - other[0])[0];
    if (!best) continue;
    const box = best[1];
    told.push(box);
    context.lineWidth = 4;
    context.lineJoin = "round";
    context.strokeStyle = paint.panel;
    context.strokeText(point.label, box.x, box.y + 11);
    context.fillStyle = paint.ink;
    context.fillText(point.label, box.x, box.y + 11);
  }
}

function inspect(point, graph, key) {
  let box = holder.querySelector(".inspect");
  if (!box) { box = document.createElement("p"); box.className = "inspect"; holder.append(box); }
  const link = document.createElement("a");
  link.href = point.link;
  link.textContent = point.words;
  const ties = graph.degree(key);
  if (!point.open) { box.replaceChildren(link, ` · ${ties} ties drawn`); return; }
  const more = document.createElement("a");
  more.href = point.open;
  more.textContent = "what stands around it";
  box.replaceChildren(link, ` · ${ties} of ${point.n ?? ties} accounts with it drawn · `, more);
}

async function draw() {
  const data = await (await fetch(holder.dataset.src)).json();
  const paint = colours();
  const graph = new window.graphology.Graph({ type: "undirected" });
  data.points.forEach((p, k) => graph.addNode(k, {
    x: p.x, y: p.y, size: p.slot ? Math.max(2.5, p.r * 0.5) : p.core ? 2.5 : 2.2, label: p.slot ? p.label || null : null, slot: p.slot,
    color: p.slot || p.core ? paint.slots[p.slot] : paint.second, forceLabel: Boolean(p.slot || !p.core), zIndex: p.slot ? 1 : 0,
  }));
  // many lines are drawn thin: a grey wall would hide the accounts that it joins
  const thin = data.lines.length > 1000 ? 0.5 : 0.9;
  for (const [a, b] of data.lines) if (!graph.hasEdge(a, b)) graph.addEdge(a, b, { color: paint.line, size: thin });
  holder.replaceChildren();
  holder.classList.add("live");
  const sigma = new window.Sigma(graph, holder, {
    labelColor: { color: paint.ink }, labelFont: "system-ui, DejaVu Sans, sans-serif", labelSize: 12, zIndex: true,
    defaultEdgeColor: paint.line, labelRenderedSizeThreshold: 1000, stagePadding: 40, minEdgeThickness: 0.5,
    defaultDrawNodeLabel: (context, data) => mark(paint, context, data),
    minCameraRatio: 0.05, maxCameraRatio: 4,
  });
  let chosen = null;
  sigma.setSetting("nodeReducer", (key, shown) => (chosen === null || key === chosen || graph.areNeighbors(key, chosen) ? shown : { ...shown, color: paint.line, label: null, forceLabel: false }));
  sigma.on("clickNode", ({ node }) => { chosen = node; inspect(data.points[Number(node)], graph, node); sigma.refresh(); });
  sigma.on("clickStage", () => { chosen = null; holder.querySelector(".inspect")?.remove(); sigma.refresh(); });
  sigma.on("afterRender", () => words(paint, sigma, graph));
  sigma.once("afterRender", () => { holder.dataset.ready = String(Math.round(performance.now())); });
  sigma.refresh();
}

if (holder && window.Sigma && window.graphology && canDraw()) draw();
