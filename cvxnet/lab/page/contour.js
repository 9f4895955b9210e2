// Where a function on a grid crosses a level: line segments, by marching squares.

// values[i][j] at the i-th y and the j-th x. Returns [[from, to], ...], points in the numbers of x and y.
export function contour(values, x, y, level) {
  const segments = [];
  for (let i = 0; i + 1 < y.length; i += 1) {
    for (let j = 0; j + 1 < x.length; j += 1) {
      const corners = [[j, i], [j + 1, i], [j + 1, i + 1], [j, i + 1]];
      const crossings = corners
        .map((corner, k) => crossing(values, x, y, level, corner, corners[(k + 1) % 4]))
        .filter(Boolean);
      for (let k = 0; k + 1 < crossings.length; k += 2) segments.push([crossings[k], crossings[k + 1]]);
    }
  }
  return segments;
}

function crossing(values, x, y, level, [j, i], [l, k]) {
  const [a, b] = [values[i][j] - level, values[k][l] - level];
  if (a < 0 === b < 0) return null;
  const t = a / (a - b);
  return [x[j] + t * (x[l] - x[j]), y[i] + t * (y[k] - y[i])];
}
