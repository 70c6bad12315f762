// The SDK's other calls to the platform from inside a run (protocol 7): each becomes a task. Those from outside of a run
// are made by the tests, through POST /call.
module.exports = ({ client, sdk, job, sleep, providerUrl }) => {
  job("calls.nothing", async ({ payload }) => payload);

  job("calls.slow", async ({ io, did }) => {
    await io.runTask("before", async () => did("before"));
    await io.wait("an hour", 3600);
  });

  job("calls.send-event", async ({ payload, io, did }) => {
    const one = await io.sendEvent("one", { name: "calls.sent", payload: { n: 1 } });
    const more = await io.sendEvents("more", [
      { name: "calls.sent", payload: { n: 2 }, id: `${payload.prefix}-2` },
      { name: "calls.sent", payload: { n: 3 }, id: `${payload.prefix}-3` },
    ]);
    const later = await io.sendEvent("later", { name: "calls.sent" }, { deliverAfter: 3600 });
    const canceled = await io.cancelEvent("cancel", later.id);
    const read = await io.getEvent("read", one.id);
    io.yield("again");
    did("end");
    return {
      more: more.map((event) => [event.id, event.payload.n]),
      canceled: canceled.cancelledAt !== null && canceled.cancelledAt !== undefined,
      read: read.name,
    };
  });
  job("calls.sent", async ({ payload }) => payload.n);

  job("calls.statuses", async ({ io }) => {
    const status = await io.createStatus("progress", { label: "Starting", state: "loading", data: { done: 0 } });
    await status.update("half", { data: { done: 0.5 } });
    await status.update("end", { label: "Finished", state: "success" });
    return "told";
  });

  job("calls.store", async ({ payload, io, ctx, did }) => {
    const results = {};
    for (const [name, store] of Object.entries({ env: io.store.env, job: io.store.job, run: io.store.run })) {
      const key = `${payload.prefix}/a b:${name}`;
      const before = await store.has(`${name} has not`, key);
      const missing = await store.get(`${name} get nothing`, key);
      const written = await store.set(`${name} set`, key, { n: 1, text: "\u00e4\u0000" });
      const read = await store.get(`${name} get`, key);
      const has = await store.has(`${name} has`, key);
      const gone = await store.delete(`${name} delete`, key);
      const again = await store.delete(`${name} delete again`, key);
      results[name] = { before, missing: missing ?? "undefined", written, read, has, gone, again };
    }
    did("end");
    return results;
  });

  job("calls.wait-for-event", async ({ payload, io }) => {
    const event = await io.waitForEvent(
      "an event",
      { name: "calls.awaited", filter: { user: [payload.user] }, source: payload.source },
      { timeoutInSeconds: 600 },
    );
    return { payload: event.payload, source: event.source };
  });

  job("calls.wait-for-event-timeout", async ({ io, did }) => {
    try {
      await io.waitForEvent("never", { name: "calls.never" }, { timeoutInSeconds: 10 });
    } catch (error) {
      if (sdk.isTriggerError(error)) throw error;
      did("timeout");
      return error.message;
    }
  });

  const child = client.defineJob({
    id: "calls.child",
    name: "A child",
    version: "1.0.0",
    trigger: sdk.invokeTrigger(),
    run: async (payload, io, ctx) => {
      require("../calls").note(ctx.run.id, "run");
      if (payload.wait) await io.wait("a while", payload.wait);
      if (payload.fail) throw new Error(payload.fail);
      return { answer: payload.n * 2, context: ctx.event.context };
    },
  });

  job("calls.invoke", async ({ io, did }) => {
    const { id } = await child.invoke("start", { n: 4 }, { context: { from: "parent" } });
    did("invoked");
    io.yield("again");
    return { id };
  });

  // payload: {child: its payload, timeout?}
  const brief = ({ ok, status, output, error, job: of }) => ({ ok, status, output, error: error?.message, job: of.id });
  job("calls.invoke-and-wait", async ({ payload, io }) => {
    try {
      return brief(await child.invokeAndWaitForCompletion("child", payload.child, payload.timeout));
    } catch (error) {
      if (sdk.isTriggerError(error)) throw error;
      return { thrown: error.message };
    }
  });

  job("calls.batch", async ({ payload }) => {
    const batch = Array.from({ length: payload.count }, (_, n) => ({ payload: { n, fail: n === 1 ? "no ones" : undefined } }));
    try {
      return (await child.batchInvokeAndWaitForCompletion("children", batch)).map(({ ok, output }) => [ok, output?.answer]);
    } catch (error) {
      if (sdk.isTriggerError(error)) throw error;
      return { thrown: error.message };
    }
  });

  job("calls.random", async ({ io }) => {
    const first = await io.random("dice", { min: 1, max: 6, round: true });
    io.yield("again");
    return first >= 1 && first <= 6;
  });

  job("calls.busy", async ({ io, ctx, did, chunk }) => {
    did("started");
    await sleep(1500);
    await io.runTask("behind", async () => did("behind"));
  });

  return { child };
};
