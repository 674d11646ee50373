// Copies the scripts that the pages load from node_modules to static/vendor, with their licences. Nothing is changed.
import { cpSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "static", "vendor");
mkdirSync(target, { recursive: true });

const wanted = {
  "htmx.org": ["dist/htmx.min.js"],
  sigma: ["dist/sigma.min.js"],
  graphology: ["dist/graphology.umd.min.js"],
  uplot: ["dist/uPlot.iife.min.js", "dist/uPlot.min.css"],
};

for (const [name, files] of Object.entries(wanted)) {
  const source = join(here, "node_modules", name);
  for (const file of files) cpSync(join(source, file), join(target, file.split("/").pop()));
  const licence = readdirSync(source).find((entry) => /^licen[cs]e/i.test(entry));
  if (licence && existsSync(join(source, licence))) cpSync(join(source, licence), join(target, `${name}.LICENSE.txt`));
}
