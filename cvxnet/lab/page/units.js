// The map of all units over two features: in which direction a unit rises, and how far from the origin
// its kink is, as the angle (tilt) whose tangent that is.

import { short } from "./controls.js";
import { within } from "./draw.js";

const KINKS = [-2, -1, -0.5, 0, 0.5, 1, 2];

export const toTilt = (distance) => (Math.atan(distance) * 180) / Math.PI;
export const toDistance = (tilt) => Math.tan((within(tilt, [-83, 83]) * Math.PI) / 180);

// The vertical axis of a map of units: kinks at equal angles, named by their distance.
export function nameKinks(plot) {
  const names = [[-86, "always on"], ...KINKS.map((t) => [toTilt(t), short(t)]), [86, "never on"]];
  const few = plot.box.bottom - plot.box.top < 200;
  for (const [tilt, name] of names) {
    if (few && ["−0.5", "0.5", "1", "−1"].includes(name)) continue;
    const long = name.endsWith("on");
    plot.text(-180, tilt, name, { kind: "soft", anchor: long ? "start" : "end", dx: long ? 0.4 : -0.5, dy: 0.35 });
  }
}
