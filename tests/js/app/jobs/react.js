// A run whose progress is watched from a browser; it goes on when the test says so.
module.exports = ({ job, providerUrl }) => {
  job("react.progress", async ({ io }) => {
    const status = await io.createStatus("upload", { label: "Uploading", state: "loading", data: { percent: 10 } });
    await io.waitForRequest("go on", async (url) => {
      await fetch(`${providerUrl}/callbacks`, { method: "POST", body: JSON.stringify({ url }) });
    });
    await status.update("done", { label: "Uploaded", state: "success", data: { percent: 100 } });
    return { uploaded: true };
  });
};
