// What ran, a line each in the file that CALLS_FILE names: the tests count there, also after this process was killed.
const fs = require("node:fs");

const seen = new Map();

// Note that something of a run happened; returns how often it has by now, as far as this process knows.
function note(run, what) {
  fs.appendFileSync(process.env.CALLS_FILE, JSON.stringify({ run, what }) + "\n");
  const key = `${run} ${what}`;
  seen.set(key, (seen.get(key) ?? 0) + 1);
  return seen.get(key);
}

module.exports = { note };
