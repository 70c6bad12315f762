// Jobs that events start, by name, source and filter (protocol 8). The filters are in filters.json, for the tests, too.
const filters = require("../filters.json");

module.exports = ({ client, sdk, job, note }) => {
  for (const { name, filter } of filters) {
    job(`events.filter.${name}`, async ({ payload }) => payload.case, { filter });
  }

  job("events.plain", async ({ payload, ctx }) => ({
    payload,
    context: ctx.event.context,
    account: ctx.account?.id,
    isTest: ctx.run.isTest,
  }));

  client.defineJob({
    id: "events.many-names",
    name: "several names and a source",
    version: "1.0.0",
    trigger: sdk.eventTrigger({ name: ["events.first", "events.second"], source: "elsewhere" }),
    run: async (payload, io, ctx) => {
      note(ctx.run.id, "run");
      return ctx.event.name;
    },
  });

  job("events.also", async () => "first");
  client.defineJob({
    id: "events.also-second",
    name: "another job for the same event",
    version: "1.0.0",
    trigger: sdk.eventTrigger({ name: "events.also" }),
    run: async (payload, io, ctx) => {
      note(ctx.run.id, "run");
      return "second";
    },
  });

  job("events.disabled", async () => "never", { enabled: false });
};
