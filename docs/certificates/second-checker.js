// A second checker of cvxnet certificates, for the smallest case: ReLU units, norm l2, one output,
// squared loss, rank of the data matrix at most 2. Written from the mathematics, as explained in
// second-checker.md. Browser: checkCertificate(bytes), a promise. Node: node second-checker.js FILE
"use strict";
const checkCertificate = (() => {
  const must = (holds, reason) => { if (!holds) throw new Error(reason); };
  const covered = (holds, what) => must(holds, `not covered: ${what}`);
  const sum = (numbers) => numbers.reduce((total, x) => total + x, 0n);
  const dot = (x, y) => sum(x.map((z, k) => z * y[k])), relu = (z) => z > 0n ? z : 0n;

  // Reading: what is not spelled exactly as the format says is refused.
  const ENTRIES = ["format", "version", "cvxnet", "units", "loss", "weight_decay", "bias", "dual",
    "data_sha256", "data", "network", "lower", "upper", "norm", "sample_weights", "evidence",
    "output_weights", "preparation", "width"]; // These three from version 3 on, 4 and 5.
  const ONE = 1n << 1074n; // A double is a whole number of units 2^-1074: here, a BigInt.
  function parts(text) { // Sign, mantissa and exponent of a double, spelled as by float.hex.
    const form = /^(-?)0x(?:0\.0p\+0|([01])\.([0-9a-f]{13})p(\+0|[+-][1-9]\d{0,3}))$/;
    const [all, sign, lead, digits, e] = (typeof text === "string" && form.exec(text)) || [];
    const normal = lead === "1" && -1022 <= e && e <= 1023;
    const subnormal = lead === "0" && e === "-1022" && /[^0]/.test(digits);
    must(all && (!lead || normal || subnormal), "a number is not a double as float.hex spells it");
    return [sign ? -1 : 1, lead ? BigInt(`0x${lead}${digits}`) : 0n, Number(e ?? 0)];
  }
  const exact = (x, [s, m, e] = parts(x)) => BigInt(s) * m << BigInt(e + 1022);
  const double = (x, [s, m, e] = parts(x)) => s * Number(m) * 2 ** (e - 52);
  function members(x, what, names) {
    const same = JSON.stringify(Object.keys(x ?? {}).sort()) === JSON.stringify([...names].sort());
    must(same, `${what}: an entry is missing or unknown`);
    return x;
  }
  function list(x, what, length, read = exact) {
    must(Array.isArray(x) && x.length === length, `${what} is not a list of ${length}`);
    return x.map((entry) => read(entry));
  }
  function parse(text) { // JSON; a name that occurs twice leaves more colons than entries.
    const count = (x) => x === null || typeof x !== "object" ? 0 : Object.values(x).map(count)
      .reduce((total, k) => total + k, Array.isArray(x) ? 0 : Object.keys(x).length);
    const doc = JSON.parse(text), token = /"[^"\\]*(?:\\[^][^"\\]*)*"|:|-?\d[\d.eE+-]*/g;
    const found = text.match(token) ?? [], entry = (x) => x === ":" || x[0] === '"';
    must(found.filter((x) => x === ":").length === count(doc), "a name occurs twice in an object");
    must(found.every((x) => entry(x) || !/[.eE]/.test(x)), "a JSON number is not an integer");
    covered(found.every((x) => entry(x) || x.length < 16), "integers of so many digits");
    return doc;
  }
  function checkPreparation(said, d) { // Nothing is proved about it, but it must be well-formed.
    members(said, "preparation", ["features", "targets", "classes", "scaling"]);
    const names = (x, length, ...types) => must(Array.isArray(x) && x.length === length &&
      new Set(x).size === length && x.every((name) => types.includes(typeof name)), "names");
    for (const [x, length] of [[said.features, d], [said.targets, 1]]) names(x, length, "string");
    if (said.classes !== null) names(said.classes, 2, "string", "number");
    if (said.scaling === null) return;
    list(members(said.scaling, "scaling", ["mean", "variance"]).mean, "mean", d);
    must(list(said.scaling.variance, "variance", d).every((x) => x > 0n), "variance: not above 0");
  }
  function hex(bits) { // A double, given by its 64 bits, as float.hex spells it.
    const e = Number(bits >> 52n & 2047n), m = bits & 2n ** 52n - 1n, sign = bits >> 63n ? "-" : "";
    must(e < 2047, "a packed number is not finite");
    const digits = m.toString(16).padStart(13, "0"), p = e ? e - 1023 : -1022;
    return sign + (e || m ? `0x${e ? 1 : 0}.${digits}p${p < 0 ? "" : "+"}${p}` : "0x0.0p+0");
  }
  function unpacked(x) { // Lists of spelled numbers in place of packed arrays.
    if (x === null || typeof x !== "object" || Array.isArray(x)) return x;
    if (!("shape" in x)) {
      return Object.fromEntries(Object.entries(x).map(([name, entry]) => [name, unpacked(entry)]));
    }
    covered(!("starts" in x), "sparse matrices");
    const { shape, doubles } = members(x, "a packed array", ["shape", "doubles"]);
    must(Array.isArray(shape) && shape.every((k) => Number.isInteger(k)), "a shape is no integers");
    covered([1, 2].includes(shape.length) && shape.every((k) => k > 0), "such packed shapes");
    must(/^[A-Za-z0-9+/]*={0,2}$/.test(doubles), "packed numbers are not base 64");
    const bytes = Uint8Array.from(atob(doubles), (byte) => byte.charCodeAt(0));
    must(btoa(String.fromCharCode(...bytes)) === doubles, "base 64 is not spelled as it should be");
    const [n, d] = shape, count = n * (d ?? 1), view = new DataView(bytes.buffer);
    must(bytes.length === 8 * count, "a packed array has not the numbers of its shape");
    const numbers = Array.from({ length: count }, (_, k) => hex(view.getBigUint64(8 * k, true)));
    return d ? Array.from({ length: n }, (_, i) => numbers.slice(i * d, i * d + d)) : numbers;
  }
  async function fingerprint(head, numbers) { // SHA-256 of a text and (little-endian) doubles.
    covered(globalThis.crypto?.subtle, "pages that come by http: open the file, or use https");
    const data = await new Blob([head, Float64Array.from(numbers)]).arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  async function read(bytes) { // What is claimed, in whole numbers of units.
    covered(bytes.length <= 2 ** 22, "files of more than 4 MB");
    let doc = parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
    must(doc?.format === "cvxnet-certificate", "not a cvxnet certificate");
    must([1, 2, 3, 4, 5, 6].includes(doc.version), "only versions 1 to 6 of the format are known");
    covered(doc.version > 1 && !("seconds" in doc), "version 1, checkpoints");
    members(doc, "certificate", ENTRIES.slice(0, doc.version + 14));
    if (doc.version > 5) doc = unpacked(doc);
    const { units, network, data, bias, output_weights: signs = "any" } = doc;
    const { preparation = null, width = null } = doc;
    covered(units?.name === "relu" && doc.norm === "l2", "such units or norms");
    covered(doc.loss === "squared" && doc.sample_weights === null, "such losses or sample weights");
    covered(doc.evidence === null && data !== null, "evidence, data kept apart");
    members(units, "units", ["name"]);
    const names = ["W", "b", "a", "c", "s", "gate"];
    const { W, b, a, c, s, gate } = members({ gate: null, ...network }, "network", names);
    covered(c === null && s === null, "output bias, skip connection");
    const { X, y } = members(data, "data", ["X", "y"]), n = X?.length, d = X?.[0]?.length;
    must(Array.isArray(X) && Array.isArray(X[0]) && d > 0 && Array.isArray(a), "X or a: no list");
    covered(!Array.isArray(y?.[0]) && !Array.isArray(doc.dual?.[0]), "several outputs");
    covered(n <= 5000 && n * (d + 1) * (a.length + 1) <= 4e4, "so many samples, features, units");
    must(typeof bias === "boolean" && (bias || b === null), "bias is no truth value, or b no null");
    must(gate === null && typeof doc.cvxnet === "string", "gate is not null, or cvxnet no text");
    must(["any", "nonneg", "nonpos"].includes(signs), "output_weights: any, nonneg or nonpos");
    must(width === null || (typeof width === "number" && width > 0), "width: null, or above 0");
    if (preparation !== null) checkPreparation(preparation, d);
    const row = (x) => list(x, "a row", d), ends = bias && list(b, "b", a.length);
    const claims = { X: list(X, "X", n, row).map((x) => bias ? [...x, ONE] : x),
      U: list(W, "W", a.length, row).map((w, j) => bias ? [...w, ends[j]] : w),
      y: list(y, "y", n), a: list(a, "a", a.length), v: list(doc.dual, "dual", n),
      beta: exact(doc.weight_decay), lower: exact(doc.lower), upper: exact(doc.upper),
      sides: { any: [1n, -1n], nonneg: [-1n], nonpos: [1n] }[signs] };
    must(claims.beta > 0n, "weight_decay is not above 0");
    must(claims.a.filter((x) => x).length <= (width ?? Infinity), "more units than the width");
    must(claims.sides[1] || claims.a.every((x) => claims.sides[0] * x <= 0n), "a has a wrong sign");
    const numbers = [...X.flat(), ...y].map((x) => double(x)), own = doc.data_sha256;
    must(await fingerprint(`${n} ${d}\n`, numbers) === own, "the SHA-256 is of other data");
    return { ...claims, bracket: [double(doc.lower), double(doc.upper)] };
  }

  // Mathematics, in whole numbers: nothing is rounded.
  function objective({ X, y, U, a, beta }) { // Twice the network's, in units to the 6th.
    const r = X.map((x, i) => dot(a, U.map((u) => relu(dot(u, x)))) - y[i] * ONE ** 2n);
    return dot(r, r) + beta * sum([a, ...U].map((u) => dot(u, u))) * ONE ** 3n;
  }
  function excess({ X, v, beta, sides }) { // (rho(v) / beta)^2 where that is above 1, else 0.
    const m = X[0].length, rows = X.map((x) => [...x, 0n, 0n]);
    const basis = [...rows, ...[m, m + 1].map((l) => rows[0].map((_, k) => k === l ? ONE : 0n))];
    const p = basis.find((x) => x.some((z) => z)), j = p.findIndex((z) => z);
    const minors = (x) => x.map((z, k) => p[j] * z - p[k] * x[j]);
    const q = basis.find((x) => minors(x).some((z) => z)), k = minors(q).findIndex((z) => z);
    const D = minors(q)[k]; // D x = s p + t q, for every row x:
    const lines = rows.map((x, i) => [x[j] * q[k] - x[k] * q[j], minors(x)[k], v[i]]);
    const spanned = (x, [s, t]) => x.every((z, l) => D * z === s * p[l] + t * q[l]);
    covered(rows.every((x, i) => spanned(x, lines[i])), "data of rank above 2");
    const rays = lines.filter(([s, t]) => s || t) // With what the gradient of g gains there.
      .flatMap(([s, t, w]) => [[-t, s, -w * s, -w * t], [t, -s, w * s, w * t]]);
    const cross = (r, o) => r[0] * o[1] - r[1] * o[0];
    const behind = ([s, t]) => t < 0n || (t === 0n && s < 0n);
    rays.sort((r, o) => behind(r) - behind(o) || (cross(r, o) < 0n) - (cross(r, o) > 0n));
    const first = lines.filter(([s, t]) => !behind([-t, s])); // Active just before all rays.
    let [c, e] = [0, 1].map((l) => sum(first.map((x) => x[2] * x[l])));
    const [pp, pq, qq] = [dot(p, p), dot(p, q), dot(q, q)], limit = (beta * D * ONE) ** 2n;
    const over = [0n]; // In parts of 10^20.
    const compare = (square, most) => square > most && over.push(10n ** 20n * square / most);
    rays.forEach(([s, t, dc, de], at) => { // g = c s + e t from this ray on to the next.
      [c, e] = [c + dc, e + de];
      const value = c * s + e * t, top = [pp * c + pq * e, pq * c + qq * e];
      for (const side of sides) {
        const up = top.map((z) => side * z);
        if (side * value > 0n) compare(value ** 2n * (pp * qq - pq ** 2n),
          limit * (qq * s ** 2n - 2n * pq * s * t + pp * t ** 2n));
        if (cross([s, t], up) > 0n && cross(up, rays[(at + 1) % rays.length]) > 0n)
          compare(c * top[0] + e * top[1], limit);
      }
    });
    return Number(over.reduce((x, z) => x > z ? x : z)) / 1e20;
  }
  return async (bytes) => {
    try {
      const said = await read(bytes), { y, v, lower, upper } = said;
      must(2n * upper * ONE ** 5n >= objective(said), "upper: below the network's objective");
      must(2n * lower * ONE <= -dot(v, v) - 2n * dot(v, y), "lower: above the dual value");
      const rho = Math.sqrt(excess(said));
      must(!rho, `dual infeasible: rho(v) is about ${rho} times weight_decay`);
      return { proved: true, reason: "proved exactly", bracket: said.bracket };
    } catch (error) {
      return { proved: false, reason: error.message, bracket: null };
    }
  };
})();
if (typeof module !== "undefined") module.exports = checkCertificate;
if (typeof module !== "undefined" && require.main === module)
  checkCertificate(require("fs").readFileSync(process.argv[2])).then(console.log);
