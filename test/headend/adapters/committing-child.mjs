/**
 * A process that commits one reading after the other for many meters at once and prints each only when its commit has resolved.
 * Arguments: the directory of the compiled store, the database, and a time (µs) if it is to compact what is older meanwhile.
 * Ends when told to (SIGKILL by the test).
 */
const [compiled, file, compactAt] = process.argv.slice(2);
const { openSqliteStore } = await import(new URL("store.js", compiled).href);
const store = await openSqliteStore({ file });
console.log("ready");

async function meter(name) {
  for (let sequence = 0; ; sequence++) {
    const values = { activeEnergyImport: sequence };
    const base = { meter: name, time: (sequence + 1) * 1_000_000, source: "mqtt", sequence, quality: "good", values };
    try {
      await store.commit([{ kind: "reading", reading: base }]);
      console.log(`${name} ${sequence}`);
    } catch (error) {
      console.log(`refused ${error.message}`);
      sequence--;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const work = Array.from({ length: 8 }, (_, i) => meter(`m${i}`));
if (compactAt !== undefined) work.push(compact());
await Promise.all(work);

async function compact() {
  for (let now = Number(compactAt); ; now += 3_600_000_000) {
    await store.maintain(now);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
