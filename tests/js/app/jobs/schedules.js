// Schedules (protocol 9): two that jobs declare, and one that is registered while everything runs.
module.exports = ({ client, sdk, job, note }) => {
  const scheduled = (id, trigger) =>
    client.defineJob({
      id,
      name: id,
      version: "1.0.0",
      trigger,
      run: async (payload, io, ctx) => {
        note(ctx.run.id, "run");
        return {
          isDate: payload.ts instanceof Date,
          ts: payload.ts,
          lastTimestamp: payload.lastTimestamp,
          event: ctx.event.name,
          source: ctx.source,
          account: ctx.account?.id,
        };
      },
    });
  scheduled("schedules.interval", sdk.intervalTrigger({ seconds: 20 }));
  scheduled("schedules.cron", sdk.cronTrigger({ cron: "* * * * *" }));
  const dynamic = client.defineDynamicSchedule({ id: "schedules.dynamic" });
  scheduled("schedules.attached", dynamic);
  scheduled("schedules.attached-too", dynamic);

  // payload: {key, action: "register" | "unregister", schedule?}
  job("schedules.manage", async ({ payload }) =>
    payload.action === "register" ? dynamic.register(payload.key, payload.schedule) : dynamic.unregister(payload.key),
  );
  return { dynamicSchedule: dynamic };
};
