/** Colours of a terminal (ECMA-48, SGR), or none. */

const CODES: Readonly<Record<string, string>> = {
  bold: "1",
  dim: "2",
  red: "31",
  green: "32",
  yellow: "33",
  cyan: "36",
};

export type Style = (text: string, colour: string | undefined) => string;

export function paint(colours: boolean): Style {
  return (text, colour) => {
    const code = colours && colour !== undefined && text.trim() !== "" ? CODES[colour] : undefined;
    return code === undefined ? text : `\x1b[${code}m${text}\x1b[0m`;
  };
}
