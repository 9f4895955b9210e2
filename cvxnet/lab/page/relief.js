// A surface in space, seen from a side and from above: z over an even grid of x and y.

import { signedColor, svg } from "./draw.js";

const TILT = 0.5; // how much of the depth is seen as height
const COLORS = 24;

// Where points (x, y, z) are seen, in coordinates of a `bare` plot from -1 to 1. Ranges are mapped to
// the cube from -1 to 1.
export function view({ x, y, z }, turn) {
  const unit = (value, [low, high]) => (2 * (value - low)) / (high - low) - 1;
  const [cos, sin] = [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)];
  return ([px, py, pz]) => {
    const [u, v, w] = [unit(px, x), unit(py, y), unit(pz, z)];
    return { at: [0.66 * (cos * u - sin * v), 0.66 * (TILT * (sin * u + cos * v) + 0.75 * w)],
      depth: sin * u + cos * v };
  };
}

// The surface as patches, those at the back first.
export function relief(plot, see, x, y, values) {
  const most = Math.max(...values.flat().map(Math.abs)) || 1;
  const palette = Array.from({ length: 2 * COLORS + 1 }, (_, k) => `rgb(${signedColor(0.85 * (k / COLORS - 1)).join()})`);
  const patches = [];
  for (let i = 0; i + 1 < y.length; i += 1) {
    for (let j = 0; j + 1 < x.length; j += 1) {
      const corners = [[i, j], [i, j + 1], [i + 1, j + 1], [i + 1, j]].map(([r, c]) => [x[c], y[r], values[r][c]]);
      const height = corners.reduce((sum, corner) => sum + corner[2], 0) / 4;
      const seen = corners.map(see);
      patches.push({ d: `${plot.path(seen.map((s) => s.at))} Z`, depth: seen.reduce((sum, s) => sum + s.depth, 0),
        fill: palette[Math.round(COLORS * (1 + height / most))] });
    }
  }
  patches.sort((one, other) => other.depth - one.depth);
  for (const { d, fill } of patches) plot.mark(svg("path", { class: "patch", d, fill }));
}

// A line in space, drawn over the surface.
export function lineInSpace(plot, see, points, kind) {
  plot.line(points.map((point) => see(point).at), kind);
}
