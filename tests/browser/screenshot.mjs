// Compares a page with its reference picture, in the browser itself, which can decode both.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// A pixel differs when a channel is further away than this: fonts are smoothed a little differently everywhere.
const channel = 48;
// So many of all pixels may differ.
const share = 0.02;

/** Fails when the page's viewport differs from `reference/NAME.png`. */
export async function assertLooksLike(page, name, { shots, update }) {
  const reference = fileURLToPath(new URL(`reference/${name}.png`, import.meta.url));
  const picture = await page.screenshot({ animations: "disabled", caret: "hide" });
  const seen = join(shots, `${name}-seen.png`);
  writeFileSync(seen, picture);
  if (update) {
    writeFileSync(reference, picture);
    return;
  }
  if (!existsSync(reference)) throw new Error(`no ${reference}; --update makes it`);
  const sheet = await page.context().newPage();
  try {
    const pictures = [picture, readFileSync(reference)].map((bytes) => bytes.toString("base64"));
    const differing = await sheet.evaluate(compare, { pictures, channel });
    if (differing > share) {
      const percent = (differing * 100).toFixed(2);
      throw new Error(`${percent} % of the pixels differ from ${reference}; seen: ${seen}`);
    }
  } finally {
    await sheet.close();
  }
}

/** Runs in the browser: the share of pixels that differ, 1 when the sizes do. */
async function compare({ pictures, channel }) {
  const [seen, wanted] = await Promise.all(
    pictures.map(async (base64) => {
      const image = new Image();
      image.src = `data:image/png;base64,${base64}`;
      await image.decode();
      const canvas = new OffscreenCanvas(image.width, image.height);
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0);
      return context.getImageData(0, 0, image.width, image.height);
    }),
  );
  if (seen.width !== wanted.width || seen.height !== wanted.height) return 1;
  let differing = 0;
  for (let at = 0; at < seen.data.length; at += 4) {
    const far = (offset) => Math.abs(seen.data[at + offset] - wanted.data[at + offset]) > channel;
    if (far(0) || far(1) || far(2)) differing += 1;
  }
  return differing / (seen.data.length / 4);
}
