// Each answer to EXECUTE_JOB (protocol 3.3), brought about by what user code does.
module.exports = ({ client, sdk, z, job, faults }) => {
  job("replies.output", async ({ payload }) => ({ doubled: payload.n * 2 }));

  job("replies.undefined", async () => {});

  job("replies.null", async () => null);

  job("replies.context", async ({ ctx }) => ({
    event: { name: ctx.event.name, context: ctx.event.context },
    job: ctx.job,
    run: { isTest: ctx.run.isTest, isRetry: ctx.run.isRetry },
    environment: { slug: ctx.environment.slug, type: ctx.environment.type },
    organization: ctx.organization.slug,
    project: ctx.project.slug,
    account: ctx.account,
  }));

  job("replies.thrown", async ({ io, did }) => {
    await io.runTask("done", async () => did("done"));
    throw new RangeError("out of range");
  });

  job("replies.thrown-value", async () => {
    throw { reason: "no Error at all" };
  });

  // In the execution where a task fails, user code sees its error; later it sees a wrapper, and lets that escape.
  job("replies.failed-task-met-again", async ({ io, did }) => {
    try {
      await io.runTask("fails", async () => {
        did("fails");
        throw new Error("the disk is full");
      });
    } catch (error) {
      if (sdk.isTriggerError(error) || error.cause) throw error;
    }
    await io.wait("a second", 1);
  });

  // The run fails while another of its tasks waits.
  job("replies.open-tasks", async ({ io, did }) => {
    await io.parallel("both", ["waits", "throws"], async (item) => {
      if (item === "waits") {
        await io.wait("waits", 3600);
      } else {
        await io.runTask("throws", async () => {
          did("throws");
          throw new Error("the other one failed");
        });
      }
    });
  });

  job("replies.payload", async ({ payload }) => payload, { schema: z.object({ n: z.number() }) });

  const vault = {
    id: "vault",
    metadata: { id: "vault", name: "Vault" },
    authSource: "HOSTED",
    cloneForRun: () => vault,
  };
  client.defineAuthResolver(vault, async () => {
    throw new Error("the vault has no such account");
  });
  job("replies.unresolved", async () => "never", { integrations: { vault } });

  job("replies.wait", async ({ io, did }) => {
    await io.runTask("before", async () => did("before"));
    await io.wait("a second", 1);
    return io.runTask("after", async () => did("after"));
  });

  job("replies.retry", async ({ io, did }) =>
    io.runTask(
      "flaky",
      async (task) => {
        if (did("flaky") < 3) throw new Error(`attempt ${task.attempts} failed`);
        return { attempts: task.attempts };
      },
      { retry: { limit: 3, factor: 1, minTimeoutInMs: 200, randomize: false } },
    ),
  );

  // Cancelled from outside while an execution is under way: the next task is answered as CANCELED.
  job("replies.canceled", async ({ io, ctx, did }) => {
    await io.runTask("before", async () => did("before"));
    await client.cancelRun(ctx.run.id);
    await io.runTask("after", async () => did("after"));
  });

  // No further call of the SDK notices that the run was cancelled: its answer SUCCESS comes too late.
  job("replies.canceled-late", async ({ ctx }) => {
    await client.cancelRun(ctx.run.id);
    return "too late";
  });

  job("replies.yield", async ({ io, did }) => {
    await io.runTask("once", async () => did("once"));
    io.yield("first");
    io.yield("second");
    return "yielded twice";
  });

  // Too little is left of the execution to begin with another task, or with the work of one that is there.
  job("replies.auto-yield", async ({ io, did, chunk }) => {
    await io.runTask("quick", async () => did("quick"));
    if (chunk === 1) await faults.workUntil(300);
    return io.runTask("late", async () => did("late"));
  });
  faults.startLate("replies.auto-yield", 10_000);
  job("replies.auto-yield-task", async ({ io, did }) => io.runTask("late", async () => did("late")));
  faults.startLate("replies.auto-yield-task", 1400);

  // Too little is left to complete the task: its output travels with the answer.
  job("replies.auto-yield-completed", async ({ io, did }) =>
    io.runTask("slow", async (task) => {
      did("slow");
      task.outputProperties = [{ label: "Left", text: "300 ms" }];
      await faults.workUntil(300);
      return { worked: true };
    }),
  );
  faults.startLate("replies.auto-yield-completed", 10_000);

  job("replies.rate-limit", async ({ io, ctx, did, chunk }) => {
    if (chunk === 1) {
      faults.refuse(`/api/v1/runs/${ctx.run.id}/tasks`, 1, () => {
        const headers = {
          "x-ratelimit-limit": "1",
          "x-ratelimit-remaining": "0",
          "x-ratelimit-reset": String(Date.now() + 1500),
        };
        return Response.json({ error: "Rate limit exceeded" }, { status: 429, headers });
      });
    }
    return io.runTask("limited", async () => did("limited"));
  });

  // Two waits of different lengths, and a task that fails at first, at the same time.
  job("replies.parallel", async ({ io, did }) =>
    io.parallel("all", ["short", "long", "flaky"], async (item) => {
      if (item === "flaky") {
        return io.runTask(
          "flaky",
          async () => {
            if (did("flaky") === 1) throw new Error("not yet");
            return "flaky";
          },
          { retry: { limit: 2, minTimeoutInMs: 100, randomize: false } },
        );
      }
      await io.wait(`wait ${item}`, item === "short" ? 1 : 2);
      return io.runTask(item, async () => {
        did(item);
        return item;
      });
    }),
  );
};
