/** How far a long computation is, on stderr, where someone looks. */

/** A percentage and the time left, redrawn at most four times a second; undefined where stderr is no terminal. */
export function showProgress(): ((share: number) => void) | undefined {
  if (process.stderr.isTTY !== true) return undefined;
  const began = performance.now();
  let shown = began;
  return (share) => {
    const now = performance.now();
    if (now - shown < 250 && share < 1) return;
    shown = now;
    const left = Math.ceil(((now - began) / share - (now - began)) / 1_000);
    process.stderr.write(share < 1 ? `\r${Math.round(share * 100)} %, ${left} s left  ` : "\r\x1b[K");
  };
}
