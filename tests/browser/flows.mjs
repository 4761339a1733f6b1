// What a visitor does. The flows run in their order, in one browser with one set of cookies.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { assertLooksLike } from "./screenshot.mjs";

const logo = fileURLToPath(
  new URL("../../docker/pixel-positions/resources/images/icon-180.png", import.meta.url),
);
const visitor = `visitor-${Date.now()}@pixel.test`;
const title = `Keeper of Small Things ${Date.now()}`;

export const flows = [
  { name: "the home page looks as it should", run: homeLooksRight },
  { name: "assets are served with their types", run: assetsHaveTypes },
  { name: "search finds jobs and follows pages", run: search },
  { name: "an unknown page is the application's own", run: unknownPage },
  { name: "a form without its token is refused", run: forgedForm },
  { name: "a wrong password is told, the right one logs in and out", run: logInAndOut },
  { name: "a visitor registers", run: register },
  { name: "a job is posted with a logo", run: postJob },
  { name: "the queued notification arrives", run: notification },
  { name: "the ticker streams while the connection is open", run: ticker },
  { name: "a private file is given to members alone", run: privateDownload },
];

async function homeLooksRight({ page, shots, update }) {
  // The ticker would move; a flow of its own looks at it.
  await page.route("**/events*", (route) => route.abort());
  const answer = await page.goto("/");
  assert.equal(answer.status(), 200);
  await page.locator("[data-ticker-state]", { hasText: "paused" }).waitFor();
  await page.evaluate(() => document.fonts.ready);
  assert.ok((await page.getByTestId("job-card").count()) > 3, "featured jobs are shown");
  await assertLooksLike(page, "home", { shots, update });
}

async function assetsHaveTypes({ page }) {
  const seen = new Map();
  page.on("response", (response) => {
    const path = new URL(response.url()).pathname;
    if (path.startsWith("/build/")) seen.set(path, response);
  });
  await page.goto("/", { waitUntil: "load" });
  const types = { css: "text/css", js: "javascript", svg: "image/svg+xml", woff: "font/woff" };
  for (const [extension, type] of Object.entries(types)) {
    const found = [...seen].filter(([path]) => path.endsWith(`.${extension}`));
    assert.ok(found.length, `the page uses a .${extension}`);
    for (const [path, response] of found) {
      assert.equal(response.status(), 200, path);
      assert.ok(response.headers()["content-type"].includes(type), `${path} is ${type}`);
    }
  }
}

async function search({ page }) {
  await page.goto("/");
  await page.locator("#q").fill("engineer");
  await page.getByTestId("search-form").getByRole("button", { name: "Search" }).click();
  await page.waitForURL("**/search?q=engineer*");
  const found = Number((await page.getByTestId("result-count").locator("b").textContent()).trim());
  assert.ok(found > 0, "something is found");
  await page.goto("/search?page=2");
  assert.equal(await page.locator(".rows > *").first().isVisible(), true);
  await page.goto("/search?q=%E2%98%83+no+such+job");
  await page.getByTestId("empty").waitFor();
}

async function unknownPage({ page }) {
  const answer = await page.goto("/no/such/page");
  assert.equal(answer.status(), 404);
  await page.getByRole("link", { name: "Pixel Positions" }).first().waitFor();
  assert.equal((await page.goto("/.env")).status(), 403);
}

async function forgedForm({ context }) {
  const answer = await context.request.post("/login", { form: { email: "demo@pixel.test" } });
  assert.equal(answer.status(), 419);
}

async function logInAndOut({ page }) {
  await page.goto("/login");
  await fill(page, { email: "demo@pixel.test", password: "wrong" });
  await page.locator("#submit-login").click();
  await page.getByTestId("error").waitFor();
  await fill(page, { email: "demo@pixel.test", password: "password" });
  await page.locator("#submit-login").click();
  await page.getByTestId("account").waitFor();
  await page.getByTestId("logout").getByRole("button").click();
  await page.getByTestId("login").waitFor();
}

async function register({ page }) {
  await page.goto("/register");
  await fill(page, {
    name: "Vera Visitor",
    email: visitor,
    password: "a long password",
    password_confirmation: "a long password",
    company: `Visiting & Söhne ${Date.now()}`,
    city: "Ghent, Belgium",
  });
  await page.locator("#submit-register").click();
  await page.getByTestId("account").waitFor();
}

async function postJob({ page }) {
  await page.goto("/jobs/create");
  await fill(page, {
    title,
    location: "Ghent",
    salary_min: "48000",
    salary_max: "60000",
    summary: "Keep small things where they belong – “really”.",
    description: "The days are quiet.\n\n## What you do\n\n- keep\n- count",
    tags: "php, laravel",
  });
  await page.locator("#logo").setInputFiles(logo);
  await page.locator("#submit-job").click();
  await page.getByTestId("flash").waitFor();
  await page.getByRole("heading", { name: title }).waitFor();
  const shown = page.locator("img[src*='/storage/logos/']").first();
  await shown.waitFor();
  const width = await shown.evaluate((image) => image.decode().then(() => image.naturalWidth));
  assert.ok(width > 0, "the uploaded logo is served");
}

async function notification({ page }) {
  const note = page.getByTestId("notification").filter({ hasText: title });
  for (let tries = 0; tries < 40; tries += 1) {
    await page.goto("/notifications");
    if (await note.count()) return;
    await page.waitForTimeout(500);
  }
  assert.fail("the worker sent no notification within 20 s");
}

async function ticker({ page }) {
  await page.goto("/");
  // Still live while events have come: nobody held them back until the end.
  await page.waitForFunction(() => {
    const ticker = document.querySelector("#ticker");
    const live = ticker.querySelector("[data-ticker-state]").dataset.state === "live";
    return live && Number(ticker.dataset.received) >= 2;
  });
}

async function privateDownload({ page, context, shots }) {
  await page.goto("/downloads");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByTestId("download").first().click(),
  ]);
  const name = download.suggestedFilename();
  await download.saveAs(`${shots}/${name}`);
  const answer = await context.request.get(`/downloads/${name}`);
  assert.equal(answer.status(), 200);
  assert.ok((await answer.body()).length > 100, "the file has a body");
  assert.equal(answer.headers()["x-accel-redirect"], undefined, "the header stays inside");
  const behind = await context.request.get(`/protected/${name}`);
  assert.equal(behind.status(), 404, "the internal address is closed");
  await page.goto("/");
  await page.getByTestId("logout").getByRole("button").click();
  await page.getByTestId("login").waitFor();
  const stranger = await context.request.get(`/downloads/${name}`, { maxRedirects: 0 });
  assert.equal(stranger.status(), 302);
}

async function fill(page, fields) {
  for (const [id, value] of Object.entries(fields)) await page.locator(`#${id}`).fill(value);
}
