/** A drawing of dots, two by four to a character (the Braille patterns of Unicode), with text over it. */

/** Bits of the dots, by row and column. */
const DOTS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;
const BLANK_PATTERN = 0x2800;

export interface Cell {
  readonly text: string;
  /** A name of the palette; undefined for the terminal's own colour. */
  readonly colour: string | undefined;
}

export class BrailleCanvas {
  readonly columns: number;
  readonly rows: number;
  readonly #bits: Uint8Array;
  readonly #colours: (string | undefined)[];
  readonly #letters: (string | undefined)[];

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
    this.#bits = new Uint8Array(columns * rows);
    this.#colours = new Array(columns * rows);
    this.#letters = new Array(columns * rows);
  }

  get width(): number {
    return 2 * this.columns;
  }

  get height(): number {
    return 4 * this.rows;
  }

  /** Dots outside are dropped; the last colour of a character wins. */
  dot(x: number, y: number, colour?: string): void {
    const [column, row] = [Math.floor(x / 2), Math.floor(y / 4)];
    if (column < 0 || row < 0 || column >= this.columns || row >= this.rows) return;
    const at = row * this.columns + column;
    const [dx, dy] = [Math.floor(x) - 2 * column, Math.floor(y) - 4 * row];
    this.#bits[at] = (this.#bits[at] as number) | (DOTS[dy]?.[dx] ?? 0);
    this.#colours[at] = colour;
  }

  /** @param every 1 draws every dot, 2 every second one */
  line(x0: number, y0: number, x1: number, y1: number, colour?: string, every = 1): void {
    const steps = Math.ceil(Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0), 1));
    for (let i = 0; i <= steps; i += every)
      this.dot(Math.round(x0 + ((x1 - x0) * i) / steps), Math.round(y0 + ((y1 - y0) * i) / steps), colour);
  }

  /** Text whose middle is near this dot, inside the drawing; it stands over the dots. */
  text(x: number, y: number, text: string, colour?: string): void {
    const column = Math.max(0, Math.min(this.columns - text.length, Math.round(x / 2 - text.length / 2)));
    const row = Math.max(0, Math.min(this.rows - 1, Math.floor(y / 4)));
    for (const [i, letter] of [...text].entries()) {
      const at = row * this.columns + column + i;
      this.#letters[at] = letter;
      this.#colours[at] = colour;
    }
  }

  row(row: number): readonly Cell[] {
    return Array.from({ length: this.columns }, (_, column) => {
      const at = row * this.columns + column;
      const bits = this.#bits[at] as number;
      const drawn = bits === 0 ? " " : String.fromCharCode(BLANK_PATTERN + bits);
      return { text: this.#letters[at] ?? drawn, colour: this.#colours[at] };
    });
  }
}
