// Drives node-postgres through what an application does: one line "ok WHAT", "not ok WHAT: WHY" or
// "skip WHAT: WHY" each.
// The connection comes from PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE; PGSSLMODE says how.
const { Client } = require("pg");
const { pipeline } = require("stream/promises");
const { Readable } = require("stream");
const streams = (() => {
  try {
    return require("pg-copy-streams");
  } catch {
    return null; // COPY takes a package of its own
  }
})();

const LARGE = 64 * 1024 * 1024;
const COPIED = "1\tone\n2\ttwo\n3\t\\N\n";
const tls = process.env.PGSSLMODE !== "disable";
const settings = tls ? { ssl: { rejectUnauthorized: false } } : {};

async function connect() {
  const client = new Client(settings);
  client.on("error", () => {}); // a step tells
  await client.connect();
  return client;
}

const steps = {
  async encryption(client) {
    return client.connection.stream.encrypted === true === tls;
  },
  async prepared(client) {
    const plan = { name: "double", text: "select $1::int * 2 as twice" };
    const rows = [];
    for (let n = 0; n < 8; n++) rows.push((await client.query(plan, [n])).rows[0].twice);
    return rows.join() === "0,2,4,6,8,10,12,14";
  },
  async pipeline(client) {
    const all = [...Array(200).keys()].map((n) => client.query("select $1::int as n", [n]));
    return (await Promise.all(all)).every((result, n) => result.rows[0].n === n);
  },
  async copy(client) {
    if (!streams) return "pg-copy-streams is not installed";
    await client.query("create temp table copied (id int, name text)");
    await pipeline(Readable.from([COPIED]), client.query(streams.from("copy copied from stdin")));
    const blocks = await client.query(streams.to("copy (select * from copied order by id) to stdout")).toArray();
    return Buffer.concat(blocks).toString() === COPIED;
  },
  async cancel(client) {
    const sleeping = client.query("select pg_sleep(30)").then(() => "", (error) => error.code);
    await new Promise((done) => setTimeout(done, 500));
    new Client().cancel(client, client.activeQuery);
    return (await sleeping) === "57014";
  },
  async notify(client) {
    const heard = new Promise((done) => client.once("notification", (note) => done(note.payload)));
    await client.query("listen news");
    const other = await connect();
    await other.query("notify news, 'here'");
    await other.end();
    return (await heard) === "here";
  },
  async large(client) {
    return (await client.query("select repeat('x', $1) as x", [LARGE])).rows[0].x.length === LARGE;
  },
};

(async () => {
  const client = await connect();
  for (const [name, step] of Object.entries(steps)) {
    try {
      const result = await step(client);
      if (typeof result === "string") console.log(`skip ${name}: ${result}`);
      else console.log(result ? `ok ${name}` : `not ok ${name}: another result`);
    } catch (error) {
      console.log(`not ok ${name}: ${String(error).slice(0, 300)}`);
    }
  }
  await client.end();
})().catch((error) => {
  console.log(`not ok connect: ${error}`);
  process.exit(1);
});
