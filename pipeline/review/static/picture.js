// The picture of a ring, drawn by WebGL at its stored places. Without WebGL or script the drawing of the server stays.
const holder = document.getElementById("picture");
const canDraw = () => { const c = document.createElement("canvas"); return Boolean(c.getContext("webgl2")); };

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return { slots: [of("--ink"), of("--slot-1"), of("--slot-2"), of("--slot-3"), of("--slot-4")], line: of("--grey"), second: of("--second"), ink: of("--ink") };
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
    x: p.x, y: p.y, size: p.slot ? Math.max(4, p.r) : p.core ? 3 : 2, label: p.label || null,
    color: p.slot || p.core ? paint.slots[p.slot] : paint.second, forceLabel: Boolean(p.label && p.slot), zIndex: p.slot ? 1 : 0,
  }));
  for (const [a, b] of data.lines) if (!graph.hasEdge(a, b)) graph.addEdge(a, b, { color: paint.line, size: 0.6 });
  holder.replaceChildren();
  holder.classList.add("live");
  const sigma = new window.Sigma(graph, holder, {
    labelColor: { color: paint.ink }, labelFont: "system-ui, DejaVu Sans, sans-serif", labelSize: 12, zIndex: true,
    defaultEdgeColor: paint.line, labelRenderedSizeThreshold: 1000, minCameraRatio: 0.05, maxCameraRatio: 4,
  });
  let chosen = null;
  sigma.setSetting("nodeReducer", (key, shown) => (chosen === null || key === chosen || graph.areNeighbors(key, chosen) ? shown : { ...shown, color: paint.line, label: null, forceLabel: false }));
  sigma.on("clickNode", ({ node }) => { chosen = node; inspect(data.points[Number(node)], graph, node); sigma.refresh(); });
  sigma.on("clickStage", () => { chosen = null; holder.querySelector(".inspect")?.remove(); sigma.refresh(); });
  sigma.once("afterRender", () => { holder.dataset.ready = String(Math.round(performance.now())); });
  sigma.refresh();
}

if (holder && window.Sigma && window.graphology && canDraw()) draw();
