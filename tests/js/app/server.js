// The app under test: Express and the official packages, all jobs of jobs/, and a way to call the client from outside.
const fs = require("node:fs");
const path = require("node:path");

const define = require("./define");
const faults = require("./faults");
const { sdk, express, createMiddleware, version } = require("./official");

const client = new sdk.TriggerClient({
  id: process.env.TRIGGER_CLIENT_ID ?? "js-app",
  apiKey: process.env.TRIGGER_API_KEY,
  apiUrl: process.env.TRIGGER_API_URL,
});
const tools = define(client);
const named = { client };
const folder = path.join(__dirname, "jobs");
for (const file of fs.readdirSync(folder)) {
  Object.assign(named, require(path.join(folder, file))(tools));
}

// POST /call/client.store.env.set: call a method of the client, or of what a file in jobs/ exports, such as child.invoke.
async function call(req, res) {
  const names = req.params.path.split(".");
  const method = names.pop();
  const owner = names.reduce((object, name) => object[name], named);
  try {
    const value = await owner[method](...req.body);
    res.json({ value });
  } catch (error) {
    res.json({ error: error instanceof Error ? error.message : JSON.stringify(error) });
  }
}

const app = express();
app.use(faults.middleware);
app.use(createMiddleware(faults.onHost(client)));
app.post("/call/:path", express.json(), call);

const host = process.env.HOST ?? "127.0.0.1";
const listener = app.listen(Number(process.env.PORT), host, () => {
  console.log(`SDK ${version} listens on http://${host}:${listener.address().port}`);
});
