// Uses the demo application in a headless browser and reports in the Test Anything Protocol.
//
//   PIXEL_URL=http://127.0.0.1:8080 node run.mjs [--update]
//
// Screenshots of every flow go to PIXEL_SHOTS. --update renews the reference screenshot.
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, selectors } from "playwright-core";
import { flows } from "./flows.mjs";

const url = process.env.PIXEL_URL ?? "http://127.0.0.1:8080";
const shots = process.env.PIXEL_SHOTS ?? join(tmpdir(), "pixel-shots");
const update = process.argv.includes("--update");
const limit = 60_000;

mkdirSync(shots, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
});
selectors.setTestIdAttribute("data-test");
const context = await browser.newContext({
  baseURL: url,
  viewport: { width: 1280, height: 800 },
  reducedMotion: "reduce",
  locale: "en-GB",
  timezoneId: "UTC",
});
context.setDefaultTimeout(15_000);

// What no flow may cause: an exception in a script, or an answer that says the server is at fault.
const complaints = [];
context.on("weberror", (error) => complaints.push(String(error.error())));
context.on("response", (response) => {
  if (response.status() >= 500) complaints.push(`${response.status()} ${response.url()}`);
});

let failed = 0;
console.log(`1..${flows.length}`);
for (const [at, { name, run }] of flows.entries()) {
  const page = await context.newPage();
  complaints.length = 0;
  let fault;
  try {
    await bounded(run({ page, context, shots, update }), limit);
    if (complaints.length) fault = complaints.join("; ");
  } catch (error) {
    fault = error.message;
  }
  await page.screenshot({ path: join(shots, `${at + 1}.png`) }).catch(() => {});
  await page.close().catch(() => {});
  console.log(`${fault ? "not ok" : "ok"} ${at + 1} - ${name}`);
  if (fault) {
    failed += 1;
    console.log(fault.replace(/^/gm, "# "));
  }
}
await browser.close();
process.exitCode = failed ? 1 : 0;

function bounded(work, time) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${time / 1000} s`)), time);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
