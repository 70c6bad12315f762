// Jobs for the tests that kill processes and disturb requests: what they leave behind is the same however often they are
// executed. payload: {gate?, seconds?}: the file that the work in the middle waits for; how long the waits take.
const fs = require("node:fs");

module.exports = ({ sdk, job, sleep, note }) => {
  const passing = async (gate) => {
    while (gate && !fs.existsSync(gate)) await sleep(20);
  };

  // A job of steps. Each call of a step's work is noted together with the instant at which the step was asked for: when
  // its result had been stored by then, the work had no business to run.
  const steps = (id, run) =>
    job(id, async ({ payload, io, ctx }) => {
      const step = (key, work, options) => {
        const asked = Date.now();
        return io.runTask(
          key,
          async (task) => {
            note(ctx.run.id, `${key} ${asked}`);
            return work(task);
          },
          options,
        );
      };
      return run({ io, step, seconds: payload.seconds ?? 1, passed: () => passing(payload.gate) });
    });

  const waits = async ({ io, step, seconds, passed }) => {
    const first = await step("first", async () => 1);
    await io.wait("long wait", seconds);
    const second = await step("second", async () => {
      await passed();
      return first + 1;
    });
    await io.wait("short wait", seconds / 3);
    return step("third", async () => ({ sum: first + second }));
  };

  const retries = async ({ step, seconds, passed }) => {
    const options = (limit) => ({ retry: { limit, minTimeoutInMs: seconds * 500, factor: 1, randomize: false } });
    const fails = (last) => async (task) => {
      if (task.attempts < last) throw new Error(`attempt ${task.attempts}`);
      await passed();
      return { attempts: task.attempts };
    };
    const flaky = await step("flaky", fails(3), options(3));
    try {
      await step("never", fails(9), options(2));
    } catch (error) {
      if (sdk.isTriggerError(error)) throw error;
    }
    return flaky;
  };

  const parallel = async ({ io, step, seconds, passed }) =>
    io.parallel("all", ["quick", "waiting", "failing", "gated"], async (item) => {
      if (item === "waiting") await io.wait("wait inside", seconds);
      return step(
        item,
        async (task) => {
          if (item === "gated") await passed();
          if (item === "failing" && task.attempts === 1) throw new Error("not yet");
          return item;
        },
        { retry: { limit: 2, minTimeoutInMs: seconds * 300, randomize: false } },
      );
    });

  const many = (count, pause) => async ({ step, passed }) => {
    let sum = 0;
    for (let n = 0; n < count; n += 1) {
      sum += await step(`task ${n}`, async () => {
        if (n === Math.floor(count / 2)) await passed();
        await sleep(pause);
        return n;
      });
    }
    return { sum };
  };

  steps("faults.waits", waits);
  steps("faults.retries", retries);
  steps("faults.parallel", parallel);
  steps("faults.many", many(60, 10));
  steps("faults.all", async (run) => [await waits(run), await retries(run), await parallel(run), await many(5, 0)(run)]);
};
