// Doubles as certificates write them: the strings of Python's float.hex, nothing rounded.

const WRITTEN = /^(-?)0x([01])\.([0-9a-f]{13}|0)p([+-]\d+)$/;

export function isHex(text) {
  return typeof text === "string" && WRITTEN.test(text);
}

export function fromHex(text) {
  const [, sign, lead, digits, power] = WRITTEN.exec(text);
  const whole = Number(`0x${lead}${digits.padEnd(13, "0")}`);
  return (sign ? -1 : 1) * whole * 2 ** (Number(power) - 52);
}

export function toHex(number) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number);
  const bits = view.getBigUint64(0);
  const sign = bits >> 63n ? "-" : "";
  const power = Number((bits >> 52n) & 0x7ffn);
  const digits = (bits & 0xfffffffffffffn).toString(16).padStart(13, "0");
  if (number === 0) return `${sign}0x0.0p+0`;
  if (power === 0) return `${sign}0x0.${digits}p-1022`;
  return `${sign}0x1.${digits}p${power < 1023 ? "" : "+"}${power - 1023}`;
}
