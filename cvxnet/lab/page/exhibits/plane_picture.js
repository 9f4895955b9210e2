// What a network says over the square, as pixels.

const HATCH = 7; // pixels between the lines that tell regions apart without colour
const ISO = 0.25; // between the lines of equal value

// The regions of classes: values[c][k], how sure the network is of class c at the k-th place of a
// grid, row by row from below; classes: the numbers by which their colours go.
export function regions({ pixels, values }, classes) {
  const colors = classes.map((c) => rgb(`--fill-${["blue", "orange", "green"][c]}`));
  const [paper, ink] = [rgb("--paper"), rgb("--ink")];
  const least = 1 / values.length;
  return painted(pixels, values, (at, i, j) => {
    const here = at(i, j);
    const [best, lead] = winner(here);
    const sure = (here[best] - least) / (1 - least);
    const line = hatched(classes[best], i, j) ? 0.16 : 0;
    return mix(mix(paper, colors[best], 0.12 + 0.4 * sure + line), ink, border(at, i, j, best, lead));
  });
}

// How much of a pixel is border: where another class is as sure, or begins beside it.
function border(at, i, j, best, lead) {
  const beside = [winner(at(i, j + 1)), winner(at(i + 1, j))];
  const slope = Math.hypot(...beside.map(([other, its]) => (other === best ? its - lead : its + lead)));
  const share = slope > 0 ? Math.min(Math.max(1.6 - lead / slope, 0), 1) : 0;
  return share > 0 || beside.every(([other]) => other === best) ? share : 1;
}

// A surface: values between -1 and 1 from blue (hatched) over the paper's colour to vermilion.
export function surface({ pixels, values }) {
  const [paper, ink] = [rgb("--paper"), rgb("--ink")];
  const ends = [rgb("--low"), rgb("--high")];
  return painted(pixels, values, (at, i, j) => {
    const [f] = at(i, j);
    const level = Math.floor(f / ISO);
    const below = f < 0 && hatched(1, i, j) ? 0.12 : 0;
    const color = mix(signed(f, paper, ends), ink, below);
    const line = Math.floor(at(i, j + 1)[0] / ISO) !== level || Math.floor(at(i + 1, j)[0] / ISO) !== level;
    return line ? mix(color, ink, 0.35) : color;
  });
}

export function valueColor(value) {
  return `rgb(${signed(value, rgb("--paper"), [rgb("--low"), rgb("--high")]).map(Math.round).join(",")})`;
}

const signed = (value, paper, [low, high]) =>
  mix(paper, value < 0 ? low : high, Math.min(Math.abs(value), 1));

function hatched(kind, i, j) {
  return [false, (i + j) % HATCH === 0, i % HATCH === 0][kind];
}

// The class that is surest, and by how much more than the next.
function winner(shares) {
  let [best, next] = shares[0] >= shares[1] ? [0, 1] : [1, 0];
  for (let c = 2; c < shares.length; c += 1) {
    if (shares[c] > shares[best]) [best, next] = [c, best];
    else if (shares[c] > shares[next]) next = c;
  }
  return [best, shares[best] - shares[next]];
}

const FINEST = 4; // pixels along the side of a square of the grid

// A data address of the picture whose pixels are color(at, i, j); at(i, j) interpolates the grid.
function painted(grid, values, color) {
  const finer = Math.max(Math.min(Math.round(240 / (grid - 1)), FINEST), 1);
  const size = finer * (grid - 1) + 1;
  const fine = values.map((each) => refined(each, grid, finer));
  const at = (i, j) => {
    const k = Math.min(i, size - 1) * size + Math.min(j, size - 1);
    return fine.map((each) => each[k]);
  };
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  const image = context.createImageData(size, size);
  for (let i = 0; i < size; i += 1) {
    for (let j = 0; j < size; j += 1) {
      const [red, green, blue] = color(at, i, j);
      image.data.set([red, green, blue, 255], 4 * ((size - 1 - i) * size + j));
    }
  }
  context.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

// Values on a finer grid, linear along each side of each square.
function refined(values, grid, finer) {
  const size = finer * (grid - 1) + 1;
  const fine = new Float64Array(size * size);
  for (let i = 0; i < size; i += 1) {
    const row = Math.min(Math.floor(i / finer), grid - 2);
    const up = i / finer - row;
    for (let j = 0; j < size; j += 1) {
      const column = Math.min(Math.floor(j / finer), grid - 2);
      const right = j / finer - column;
      const k = row * grid + column;
      fine[i * size + j] = (1 - up) * ((1 - right) * values[k] + right * values[k + 1])
        + up * ((1 - right) * values[k + grid] + right * values[k + grid + 1]);
    }
  }
  return fine;
}

const mix = (from, to, share) => from.map((channel, k) => channel + share * (to[k] - channel));

function rgb(name) {
  const text = getComputedStyle(document.documentElement).getPropertyValue(name);
  return text.trim().match(/[0-9a-f]{2}/gi).map((hex) => parseInt(hex, 16));
}
