// Accounts active by hour over the whole window; the map of hours above it needs no script.
const place = document.getElementById("timeline");

async function draw() {
  const [hours, accounts] = await (await fetch(place.dataset.src)).json();
  if (!hours.length) return;
  const full = []; const a = [];
  const known = new Map(hours.map((h, k) => [h, k]));
  for (let h = hours[0]; h <= hours.at(-1); h += 3600) {
    const k = known.get(h);
    full.push(h); a.push(k === undefined ? 0 : accounts[k]);
  }
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: of("--second"), grid: { stroke: of("--rule"), width: 1 }, ticks: { stroke: of("--rule") } };
  new window.uPlot({
    width: place.parentElement.clientWidth - 34, height: 170, tzDate: (ts) => window.uPlot.tzDate(new Date(ts * 1000), "UTC"), cursor: { drag: { x: true, y: false } },
    series: [{ label: "Hour (UTC)" }, { label: "accounts", stroke: of("--ink"), fill: of("--r2"), width: 1 }],
    axes: [axis, { ...axis, size: 60 }],
  }, [full, a], place);
}

if (place && window.uPlot) draw();
