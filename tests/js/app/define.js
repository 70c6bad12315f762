// Defines jobs whose calls of user code are counted.
const { setTimeout: sleep } = require("node:timers/promises");

const { note } = require("./calls");
const faults = require("./faults");
const { sdk, z } = require("./official");

// What every file in jobs/ gets: the client, the packages, and job(), which is defineJob with an event of the job's
// own id as the trigger. run() gets one object; did(what) notes a call, and chunk says which execution of the run this is.
module.exports = (client) => {
  const job = (id, run, { schema, filter, ...options } = {}) =>
    client.defineJob({
      id,
      name: id,
      version: "1.0.0",
      trigger: sdk.eventTrigger({ name: id, schema, filter }),
      ...options,
      run: async (payload, io, ctx) => {
        const did = (what) => note(ctx.run.id, what);
        const chunk = did("run");
        return run({ payload, io, ctx, did, chunk });
      },
    });
  return { client, sdk, z, job, sleep, faults, note, providerUrl: process.env.PROVIDER_URL };
};
