// What the SDK does with the task that the platform answers, by its status (protocol 4.3), and how tasks fail (4.6).
module.exports = ({ sdk, job, providerUrl }) => {
  // A failed task is met again in the next execution: user code sees the wrapper of the stored error.
  job("tasks.errored", async ({ io, did, chunk }) => {
    let seen;
    try {
      await io.runTask("fails", async () => {
        did("fails");
        throw new TypeError("not a number");
      });
    } catch (error) {
      if (sdk.isTriggerError(error)) throw error;
      seen = { message: error.message, cause: error.cause?.status };
    }
    if (chunk === 1) io.yield("met");
    return { ...seen, stored: JSON.parse(seen.message).message };
  });

  // The callback of a task that waits for a request is called each time it is met, and never completed by the SDK.
  job("tasks.callback", async ({ io, did }) =>
    io.waitForRequest("answer", async (url) => {
      did("callback");
      await fetch(`${providerUrl}/callbacks`, { method: "POST", body: JSON.stringify({ url }) });
    }),
  );

  // The answer comes while the execution that asked for it is still under way.
  job("tasks.early-callback", async ({ io, did }) =>
    io.waitForRequest("answer", async (url) => {
      did("callback");
      await fetch(url, { method: "POST", body: JSON.stringify({ early: true }) });
    }),
  );

  job("tasks.callback-timeout", async ({ io, did }) => {
    try {
      await io.waitForRequest("answer", async () => did("callback"), { timeoutInSeconds: 2 });
    } catch (error) {
      if (sdk.isTriggerError(error)) throw error;
      return { message: error.message, status: error.cause.status };
    }
  });

  job("tasks.operation", async ({ io }) => io.backgroundFetch("fetched", `${providerUrl}/json`));

  job("tasks.subtasks", async ({ io, did }) =>
    io.runTask("outer", async (outer) => {
      did("outer");
      await io.logger.info("inside", { n: 1 });
      const inner = await io.runTask("inner", async (task) => {
        did("inner");
        return task.parentId === outer.id;
      });
      return { parentKnown: inner };
    }),
  );

  job("tasks.subtask-fails", async ({ io, did }) =>
    io.runTask(
      "outer",
      async () => {
        did("outer");
        await io.runTask("inner", async () => {
          did("inner");
          throw new Error("deep inside");
        });
      },
      { retry: { limit: 3, minTimeoutInMs: 100, randomize: false } },
    ),
  );

  job("tasks.error-handler", async ({ io, did }) => {
    const skipped = await io.runTask("skipped", async () => did("skipped"));
    try {
      await io.runTask(
        "gives up",
        async () => {
          did("gives up");
          throw new Error("first");
        },
        { retry: { limit: 5, minTimeoutInMs: 100 } },
        () => ({ skipRetrying: true }),
      );
    } catch (error) {
      if (sdk.isTriggerError(error)) throw error;
    }
    return io.runTask(
      "later",
      async (task) => {
        did("later");
        if (task.attempts === 1) throw new Error("come back");
        return { skipped, attempts: task.attempts };
      },
      {},
      () => ({ retryAt: new Date(Date.now() + 500), error: { message: "come back" } }),
    );
  });

  job("tasks.try", async ({ io, did }) =>
    io.try(
      async () => {
        await io.wait("a second", 1);
        await io.runTask("fails", async () => {
          did("fails");
          throw new Error("caught");
        });
      },
      async (error) => ({ caught: error.message }),
    ),
  );

  job("tasks.properties", async ({ io }) =>
    io.runTask(
      "drawn",
      async (task) => {
        task.outputProperties = [{ label: "Link", text: "here", url: "https://example.com" }];
        return 1;
      },
      {
        name: "Drawn task",
        icon: "bell",
        description: "what it does",
        params: { a: 1 },
        properties: [{ label: "Kind", text: "drawn" }],
        style: { style: "minimal", variant: "info" },
      },
    ),
  );
};
