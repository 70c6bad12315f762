// Jobs that differ between two releases of the app; RELEASE says which one this is. provider.js differs, too.
const release = Number(process.env.RELEASE ?? 1);

module.exports = ({ job, providerUrl }) => {
  job("releases.changed", async ({ ctx }) => ({ release, version: ctx.job.version }), {
    version: release === 1 ? "1.9.0" : "1.10.0",
  });

  job("releases.disabled", async () => "enabled", { enabled: release === 1 });

  if (release === 1) {
    job("releases.removed", async ({ io, did }) => {
      await io.waitForRequest("go on", async (url) => {
        await fetch(`${providerUrl}/callbacks`, { method: "POST", body: JSON.stringify({ url }) });
      });
      did("end");
    });
  }
};
