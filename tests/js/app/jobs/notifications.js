// Who is told that a run has ended (protocol 13): the job's and the client's own listeners, and callbacks.
module.exports = ({ client, job, note }) => {
  const brief = ({ id, ok, status, output, error, task, statuses, invocation, job: of, ...rest }) => ({
    ok,
    status,
    output,
    error: error?.message,
    task: task && { name: task.name, status: task.status, error: task.error?.message ?? task.error },
    statuses: statuses.map(({ key, state }) => [key, state]),
    invocation: { payload: invocation.payload, id: typeof invocation.id },
    job: of,
    known: Object.keys(rest).sort(),
  });
  const listeners = {
    onSuccess: async (notification) => void note(notification.id, `onSuccess ${JSON.stringify(brief(notification))}`),
    onFailure: async (notification) => void note(notification.id, `onFailure ${JSON.stringify(brief(notification))}`),
  };
  const attempts = new Map();

  job(
    "notifications.success",
    async ({ io, payload }) => {
      await io.createStatus("progress", { label: "Progress", state: "success" });
      io.yield("in between");
      return { n: payload.n };
    },
    listeners,
  );

  job(
    "notifications.failure",
    async ({ io }) => {
      await io.runTask("breaks", async () => {
        throw new Error("broken");
      });
    },
    listeners,
  );

  job(
    "notifications.canceled",
    async ({ io }) => {
      await io.runTask("before", async () => 1);
      await io.wait("an hour", 3600);
    },
    listeners,
  );

  // The listener itself fails twice: it is told again until it succeeds.
  job("notifications.stubborn", async () => "done", {
    onSuccess: async ({ id }) => {
      const times = (attempts.get(id) ?? 0) + 1;
      attempts.set(id, times);
      note(id, `told ${times}`);
      if (times < 3) throw new Error("not now");
    },
  });

  // The client is told of every job's runs; the names are spelled as the SDK has them.
  const ofThisFile = ({ job: of }) => of.id.startsWith("notifications.");
  client.on("runSucceeeded", (run) => void (ofThisFile(run) && note(run.id, "client told of success")));
  client.on("runFailed", (run) => void (ofThisFile(run) && note(run.id, "client told of failure")));
};
