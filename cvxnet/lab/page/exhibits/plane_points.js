// Points of the plane as text for the address: two digits to the base 36 for each coordinate, and a
// class (one digit) or a value (two). Coordinates are multiples of 1/500 from -1.25 to 1.25.

export const SIDE = [-1.25, 1.25];
export const MOST = 200;
const STEPS = 500;
const LENGTH = { classes: 5, values: 6, curve: 4 };

export const rounded = (value) =>
  Math.round(Math.min(Math.max(value, SIDE[0]), SIDE[1]) * STEPS) / STEPS;

const pair = (value) => Math.round((value - SIDE[0]) * STEPS).toString(36).padStart(2, "0");
const number = (text) => Math.round(parseInt(text, 36) + SIDE[0] * STEPS) / STEPS;

export function encode(kind, points) {
  return points.map(([x, y, z]) =>
    pair(x) + pair(y) + { classes: String(z), values: kind === "values" ? pair(z) : "", curve: "" }[kind]).join("");
}

// What is no point is left out.
export function decode(kind, text) {
  const size = LENGTH[kind];
  const points = [];
  for (let at = 0; at + size <= text.length && points.length < MOST; at += size) {
    const piece = text.slice(at, at + size);
    const last = { classes: () => Number(piece[4]), values: () => number(piece.slice(4)), curve: () => 0 }[kind]();
    const point = [number(piece.slice(0, 2)), number(piece.slice(2, 4)), last];
    if (point.every((value) => value >= SIDE[0] && value <= 2)) points.push(point);
  }
  return points;
}

export const classesOf = (points) => [...new Set(points.map(([, , z]) => z))].sort();
