// Tasks of earlier executions, as the platform hands them to the next one (protocol 5).
module.exports = ({ sdk, job }) => {
  job("cached.values", async ({ io, did }) => {
    const values = { missing: undefined, nothing: null, zero: 0, text: "a\u0000\ud800b", list: [1, { b: 2, a: 1 }] };
    const seen = [];
    for (const [key, value] of Object.entries(values)) {
      const output = await io.runTask(key, async () => {
        did(key);
        return value;
      });
      seen.push(`${key}: ${output === undefined ? "undefined" : JSON.stringify(output)}`);
    }
    io.yield("again");
    return seen;
  });

  // payload: {count, size}: so many tasks with outputs of so many characters, met again in a second execution.
  job("cached.many", async ({ payload, io, did }) => {
    let length = 0;
    for (let n = 0; n < payload.count; n += 1) {
      const output = await io.runTask(`task ${n}`, async () => {
        did("task");
        return String(n % 10).repeat(payload.size);
      });
      length += output.length;
    }
    io.yield("again");
    return { length };
  });

  // Many log lines and a wait behind them: a wait must never be taken for one that was there before.
  job("cached.noops", async ({ payload, io }) => {
    for (let n = 0; n < payload.lines; n += 1) await io.logger.info(`line ${n}`);
    const before = Date.now();
    await io.wait("one second", 1);
    await io.logger.info("behind the wait");
    return { sinceWait: Date.now() - before };
  });

  job("cached.keys", async ({ io, did }) => {
    const keys = ["plain", ["list", 1], ["list", { b: 2, a: [1] }], ["list", { a: [1], b: 3 }]];
    const found = [];
    for (const key of keys) {
      const id = await io.runTask(key, async (task) => {
        did("task");
        return task.idempotencyKey;
      });
      found.push(id);
    }
    const nested = await io.runTask("outer", async () =>
      io.runTask("plain", async (task) => {
        did("task");
        return { key: task.idempotencyKey, parent: task.parentId };
      }),
    );
    io.yield("again");
    return { found, nested };
  });

  job("cached.same-key", async ({ io, did }) => {
    await io.runTask("same", async () => did("same"));
    try {
      await io.runTask("same", async () => did("same"));
    } catch (error) {
      if (sdk.isTriggerError(error)) throw error;
      return error.message;
    }
  });
};
