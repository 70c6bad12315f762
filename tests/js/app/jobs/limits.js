// Retries, yields, timeouts and limits (protocol 6).
module.exports = ({ client, sdk, job, sleep, faults, note }) => {
  job("limits.backoff", async ({ io, did }) =>
    io.runTask(
      "flaky",
      async (task) => {
        did("flaky");
        if (task.attempts < 4) throw new Error(`attempt ${task.attempts}`);
        return task.attempts;
      },
      { retry: { limit: 4, factor: 3, minTimeoutInMs: 1000, maxTimeoutInMs: 2500, randomize: false } },
    ),
  );

  job("limits.exhausted", async ({ io, did }) =>
    io.runTask(
      "never",
      async (task) => {
        did("never");
        throw new Error(`attempt ${task.attempts}`);
      },
      { retry: { limit: 2, minTimeoutInMs: 100, randomize: false } },
    ),
  );

  job("limits.no-retry", async ({ io, did }) =>
    io.runTask("once", async () => {
      did("once");
      throw new Error("not retried");
    }),
  );

  job("limits.yields", async ({ payload, io }) => {
    for (let n = 0; n < payload.yields; n += 1) io.yield(`yield ${n}`);
    return "done";
  });

  // The host answers for the function, in the middle of a task: the first time after progress, then without any.
  // The output is how long the last execution might take.
  job("limits.interrupted", async ({ payload, io, did, chunk }) => {
    await io.runTask("progress", async () => did("progress"));
    const cutOff = async () => {
      did("cut off");
      if (chunk <= payload.times) await faults.answer(payload.status, payload.body ?? "", payload.headers);
    };
    await io.runTask("cut off", cutOff, { name: "Long task" });
    return faults.limit();
  });

  job("limits.cut-off", async ({ io, did, chunk }) => {
    await io.runTask("before", async () => did("before"));
    if (chunk === 1) await faults.hangUp();
    return io.runTask("after", async () => did("after"));
  });

  // A gateway answers as no platform would: the execution yields at once, without progress, again and again.
  job("limits.hot-loop", async ({ io, ctx }) => {
    faults.refuse(`/api/v1/runs/${ctx.run.id}/tasks`, 1, () =>
      Response.json({ task: {} }, { headers: { "trigger-version": "1999-01-01" } }),
    );
    return io.runTask("never stored", async () => 1);
  });

  job("limits.output-size", async ({ payload, io }) => {
    try {
      await io.runTask("too large", async () => "x".repeat(payload.size));
    } catch (error) {
      if (sdk.isTriggerError(error)) throw error;
      return error.message;
    }
    return "stored";
  });

  job("limits.store-size", async ({ payload }) => {
    const results = {};
    for (const size of payload.sizes) {
      try {
        await client.store.env.set(`write ${size}`, `big ${size}`, "x".repeat(size));
        results[size] = "stored";
      } catch (error) {
        if (sdk.isTriggerError(error)) throw error;
        results[size] = "refused";
      }
    }
    return results;
  });

  // How many executions of a job, or of a group, are under way at the same time.
  const busy = {};
  const most = {};
  const together = (group, limit) => async ({ ctx, io }) => {
    busy[group] = (busy[group] ?? 0) + 1;
    most[group] = Math.max(busy[group], most[group] ?? 0);
    note(group, `${busy[group]} at once`);
    // Stay until as many are here as may be, which a busy machine takes its time for; then a second for one too many.
    for (let n = 0; n < 100 && most[group] < limit; n += 1) await sleep(100);
    await sleep(1000);
    busy[group] -= 1;
    await io.wait("holds no slot", 20);
  };
  job("limits.one-at-a-time", together("one-at-a-time", 1), { concurrencyLimit: 1 });
  const pair = client.defineConcurrencyLimit({ id: "pair", limit: 2 });
  job("limits.pair-a", together("pair", 2), { concurrencyLimit: pair });
  job("limits.pair-b", together("pair", 2), { concurrencyLimit: pair });
};
