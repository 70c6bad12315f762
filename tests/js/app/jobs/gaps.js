// What only some tests need: a run that stands still between two tasks, and a dynamic trigger whose runs are preprocessed.
const fs = require("node:fs");

module.exports = ({ client, sdk, z, job, sleep, note }) => {
  // payload: {tasks, gate, gates}: each of the first executions, `gates` of them, waits before the second task for a
  // file of its own.
  job("gaps.gated", async ({ payload, io, did, chunk }) => {
    for (let n = 1; n <= payload.tasks; n += 1) {
      if (n === 2 && chunk <= payload.gates) {
        while (!fs.existsSync(`${payload.gate}-${chunk}`)) await sleep(20);
      }
      await io.runTask(`task ${n}`, async () => did(`task ${n}`));
    }
    return "done";
  });

  const source = new sdk.ExternalSource("HTTP", {
    id: "gaps.source",
    version: "0.1.0",
    schema: z.object({ room: z.string() }),
    integration: { id: "gaps", metadata: { id: "gaps", name: "Rooms" }, authSource: "LOCAL", cloneForRun: () => ({}) },
    filter: ({ room }) => ({ room: [room] }),
    key: ({ room }) => room,
    register: async () => ({ data: {}, options: { event: ["gaps.entered"] } }),
    handler: async () => ({ events: [], response: { status: 200 } }),
  });
  const trigger = client.defineDynamicTrigger({
    id: "gaps.rooms",
    event: {
      name: "gaps.entered",
      title: "Somebody entered a room",
      source: "rooms.example",
      icon: "bell",
      parsePayload: (payload) => payload,
      runProperties: ({ room, who }) => [
        { label: "Room", text: room },
        { label: "Who", text: who },
      ],
    },
    source,
  });
  client.defineJob({
    id: "gaps.entered",
    name: "gaps.entered",
    version: "1.0.0",
    trigger,
    run: async (payload, io, ctx) => {
      note(ctx.run.id, "run");
      return { payload, source: ctx.source, account: ctx.account?.id };
    },
  });
};
