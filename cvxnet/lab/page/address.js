// Everything that the page shows stands in its address, so that it can be linked to.
//   ?exhibit=saddle&a=2&hide=attempt,relu&present&theme=dark

const OWN = ["exhibit", "hide", "present", "theme"];

export function read() {
  const query = new URLSearchParams(location.search);
  return {
    exhibit: query.get("exhibit"),
    hide: new Set((query.get("hide") || "").split(",").filter(Boolean)),
    present: query.has("present"),
    theme: query.get("theme"),
    given: new Map([...query].filter(([name]) => !OWN.includes(name))),
  };
}

// The state of an exhibit: its defaults, and what the address says otherwise. What is of another
// type than the default, or none of the options where there are some, is no state, and is left out.
export function stateOf(defaults, given, options = {}) {
  const state = { ...defaults };
  for (const [name, text] of given) {
    if (!(name in defaults)) continue;
    const value = parse(defaults[name], text);
    if (value !== undefined && (options[name] ?? [value]).includes(value)) state[name] = value;
  }
  return state;
}

function parse(example, text) {
  if (typeof example === "string") return text;
  if (typeof example === "boolean") return { true: true, false: false }[text];
  if (Array.isArray(example)) {
    const numbers = text === "" ? [] : text.split(",").map(Number);
    return numbers.every(Number.isFinite) ? numbers : undefined;
  }
  const number = Number(text);
  return text !== "" && Number.isFinite(number) ? number : undefined;
}

export function write(id, defaults, state) {
  const now = new URLSearchParams(location.search);
  const parts = [`exhibit=${id}`];
  for (const name of Object.keys(defaults)) {
    const [value, usual] = [text(state[name]), text(defaults[name])];
    if (value !== usual) parts.push(`${name}=${encodeURIComponent(value)}`);
  }
  for (const name of OWN.slice(1)) {
    if (!now.has(name)) continue;
    const value = now.get(name);
    parts.push(value === "" ? name : `${name}=${encodeURIComponent(value)}`);
  }
  return `?${parts.join("&")}`.replaceAll("%2C", ",");
}

function text(value) {
  if (Array.isArray(value)) return value.map(short).join(",");
  return typeof value === "number" ? short(value) : String(value);
}

// Six digits are more than a mouse has.
function short(number) {
  return String(Number(number.toPrecision(6)));
}

export function isHidden(name) {
  return read().hide.has(name);
}
