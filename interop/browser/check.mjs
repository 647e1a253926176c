// Opens a report page in headless Chromium and prints, as one line of JSON, what a reader would see.
//
//   node check.mjs FILE.html [--shots PREFIX [--of SELECTORS]]
//
// With --of, one picture is taken, PREFIX.png: what lies between the first and the last element found, open and in light
// colours.
//
// Nothing is fetched: the page comes from the file, and every other request is refused and reported.
// Exit codes: 1 the page could not be looked at, 2 usage, 3 no browser starts here.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Height of one piece of a screenshot. */
const PIECE = 1600;

const words = process.argv.slice(2);
let usable = true;
/** The value of an option, which is taken out of the words. */
const option = (name) => {
  const at = words.indexOf(name);
  if (at < 0) return undefined;
  const value = words.splice(at, 2)[1];
  usable &&= value !== undefined;
  return value;
};
const [shots, of] = [option("--shots"), option("--of")];
const [file] = words;
if (!usable || words.length !== 1 || (of !== undefined && shots === undefined)) {
  console.error("usage: node check.mjs FILE.html [--shots PREFIX [--of SELECTORS]]");
  process.exit(2);
}
const page_url = pathToFileURL(resolve(file)).href;
const folder = mkdtempSync(join(tmpdir(), "assay-page-"));

/** A page that keeps what it did: console errors, requests, dialogs. */
async function listened(browser) {
  const page = await browser.newPage();
  const seen = { errors: [], left: [], dialogs: [] };
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) seen.errors.push(message.text());
  });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("dialog", (dialog) => {
    seen.dialogs.push(dialog.message());
    dialog.dismiss();
  });
  await page.setRequestInterception(true);
  page.on("request", (request) => {
    if (request.url().split("#")[0] === page.wanted) return request.continue();
    seen.left.push(request.url());
    return request.abort();
  });
  return { page, seen };
}

async function open(page, url) {
  page.wanted = url;
  await page.goto(url, { waitUntil: "load", timeout: 60_000 });
}

/** Milliseconds to the first paint with content, in a tab of its own. */
async function firstPaint(browser, url) {
  const { page } = await listened(browser);
  await open(page, url);
  const at = await page.evaluate(
    () =>
      new Promise((found) => {
        new PerformanceObserver((list, observer) => {
          const entry = list.getEntriesByName("first-contentful-paint")[0];
          if (entry === undefined) return;
          observer.disconnect();
          found(entry.startTime);
        }).observe({ type: "paint", buffered: true });
      }),
  );
  await page.close();
  return at;
}

/** The page against an almost empty one, alternating, so that both see the same machine; medians. */
async function paintRatio(browser, rounds) {
  const empty = join(folder, "empty.html");
  writeFileSync(empty, "<!doctype html><html lang=en><meta charset=utf-8><title>empty</title><body>empty");
  const times = { page: [], empty: [] };
  for (let round = 0; round < rounds; round += 1) {
    times.empty.push(await firstPaint(browser, pathToFileURL(empty).href));
    times.page.push(await firstPaint(browser, page_url));
  }
  const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
  const [page, none] = [median(times.page), median(times.empty)];
  return { page_ms: page, empty_ms: none, ratio: page / none };
}

/** Smallest contrast (WCAG 2) of any visible text with the background behind it, and whose text it is. */
const smallestContrast = () => {
  const numbers = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => {
    const linear = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const color = numbers(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  let worst = { ratio: 21, text: "", tag: "" };
  let seen = 0;
  for (const element of document.querySelectorAll("body *")) {
    const own = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim() !== "");
    if (!own || ["SCRIPT", "STYLE", "TITLE"].includes(element.tagName.toUpperCase())) continue;
    if (element.getClientRects().length === 0) continue;
    const style = getComputedStyle(element);
    const ink = numbers(element instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(ink), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    seen += 1;
    if (ratio < worst.ratio) worst = { ratio, text: element.textContent.slice(0, 60), tag: element.tagName };
    if (seen >= 5000) break;
  }
  return { ...worst, seen };
};

/** Types into the first filter and chooses each verdict; the rows that are really on the page are counted. */
const useFilters = () => {
  const told = [];
  for (const bar of document.querySelectorAll(".filter")) {
    const rows = Array.from(document.getElementById(bar.dataset.for).tBodies[0].rows);
    const shown = () => rows.filter((row) => row.getClientRects().length > 0).length;
    const [field, choice] = [bar.querySelector("input"), bar.querySelector("select")];
    const set = (control, value, event) => {
      control.value = value;
      control.dispatchEvent(new Event(event, { bubbles: true }));
    };
    const all = shown();
    const began = performance.now();
    set(field, "no row holds this text \u2603", "input");
    const none = shown();
    set(field, "", "input");
    const again = shown();
    const took_ms = performance.now() - began;
    const choices = {};
    for (const { value } of choice.options) {
      if (value === "") continue;
      set(choice, value, "change");
      choices[value] = { shown: shown(), rows: rows.filter((row) => row.dataset.verdict === value).length };
    }
    set(choice, "", "change");
    // Rows may be found by words that they do not show.
    const worded = rows.find((row) => row.dataset.words);
    const needle = worded ? worded.dataset.words.split(" ")[0] : rows[0].textContent.trim().split(/\s+/)[0];
    set(field, needle, "input");
    const some = shown();
    const words = (row) => `${row.textContent} ${row.dataset.words ?? ""}`.toLowerCase();
    const holding = rows.filter((row) => words(row).includes(needle.toLowerCase())).length;
    set(field, "", "input");
    told.push({
      table: bar.dataset.for, bar_visible: bar.getClientRects().length > 0,
      all, none, again, some, holding, choices, took_ms,
    });
  }
  return told;
};

/** Presses the first visible copy button inside `place` and says what it and the selection hold then. */
async function copy(page, place) {
  const buttons = await page.$$(`${place} .command .copy`);
  for (const button of buttons) {
    if (!(await button.isVisible())) continue;
    const before = await button.evaluate((element) => element.textContent);
    await button.click();
    await page.waitForFunction((element, was) => element.textContent !== was, { timeout: 10_000 }, button, before);
    const after = await button.evaluate((element) => ({
      button: element.textContent,
      command: element.parentElement.querySelector("code").textContent,
      selection: getSelection().toString(),
    }));
    // The next button is to change by its own press.
    await button.evaluate((element, was) => (element.textContent = was), before);
    return after;
  }
  return null;
}

/** A region with a table of its own height: what stays in sight when it is scrolled, and whether the keyboard scrolls it. */
async function tall(page) {
  const region = await page.$(".tall");
  if (region === null) return null;
  const stays = await region.evaluate((element) => {
    element.scrollTo(1e6, 1e6);
    const place = element.getBoundingClientRect();
    const inside = (cell) => {
      const { left, top, right, bottom } = cell.getBoundingClientRect();
      return left >= place.left - 1 && top >= place.top - 1 && right <= place.right + 1 && bottom <= place.bottom + 1;
    };
    const scrolled = element.scrollTop > 0 && element.scrollLeft > 0;
    const head = inside(element.querySelector("thead th:last-child"));
    const corner = inside(element.querySelector("thead th"));
    const first = inside(element.querySelector("tbody tr:last-child th"));
    element.scrollTo(0, 0);
    return { scrolled, head, corner, first };
  });
  await region.focus();
  await page.keyboard.press("PageDown");
  await page.waitForFunction((element) => element.scrollTop > 0, { timeout: 10_000 }, region);
  return { ...stays, by_keyboard: true };
}

/** The page without its content security policy: only the escaping keeps scripts out then. */
async function unguarded(browser) {
  const { page, seen } = await listened(browser);
  await page.setBypassCSP(true);
  await open(page, page_url);
  // What a script that was let in would do at once, or when its element is hovered or focused.
  const { pwned } = await page.evaluate(async () => {
    const handled = Array.from(document.querySelectorAll("*")).filter((element) =>
      element.getAttributeNames().some((name) => name.startsWith("on")),
    );
    for (const element of handled) {
      for (const kind of ["mouseover", "focus", "error", "load"]) element.dispatchEvent(new Event(kind));
    }
    await new Promise((done) => setTimeout(done, 0));
    return { pwned: globalThis.pwned ?? null };
  });
  await page.close();
  return { pwned, dialogs: seen.dialogs, left: seen.left };
}

const structure = () => {
  const wide = Array.from(document.querySelectorAll("body *")).filter((element) => {
    const scrolls = element.closest(".scroll, pre, .sequence, .chart") !== null;
    return !scrolls && element.getBoundingClientRect().right > document.documentElement.clientWidth + 1;
  });
  const unnamed = Array.from(document.querySelectorAll("input, select, button, svg")).filter((element) => {
    const named = element.closest("label") ?? element.getAttribute("aria-label") ?? element.textContent.trim();
    return !named;
  });
  const headings = Array.from(document.querySelectorAll("main section")).filter((s) => s.querySelector("h2") === null);
  const attributes = Array.from(document.querySelectorAll("*")).flatMap((element) => Array.from(element.attributes));
  const count = (wanted) => attributes.filter(({ name, value }) => wanted(name, value)).length;
  return {
    charts: document.querySelectorAll(".chart svg").length,
    sequences: document.querySelectorAll(".sequence svg").length,
    scripts: document.scripts.length,
    images: document.images.length,
    too_wide: wide.slice(0, 3).map((element) => element.outerHTML.slice(0, 120)),
    unnamed_controls: unnamed.slice(0, 3).map((element) => element.outerHTML.slice(0, 120)),
    sections_without_heading: headings.length,
    handlers: count((name) => name.startsWith("on")),
    leads_out: count((name, value) => ["href", "src", "srcset", "action"].includes(name) && !value.startsWith("#")),
    pwned: globalThis.pwned ?? null,
  };
};

async function shoot(page, prefix) {
  for (const scheme of ["light", "dark"]) {
    for (const width of [1200, 400]) {
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await page.setViewport({ width, height: 900 });
      // In pieces that can be looked at; the first shows what a reader sees first.
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      for (let piece = 0; piece * PIECE < height && piece < 10; piece += 1) {
        const y = piece * PIECE;
        await page.screenshot({
          path: `${prefix}-${scheme}-${width}-${piece + 1}.png`,
          clip: { x: 0, y, width, height: Math.min(PIECE, height - y) },
          captureBeyondViewport: true,
        });
      }
    }
  }
}

/** One picture of a part of the page, as wide as a README shows it. */
async function picture(page, prefix, selectors) {
  await page.setViewport({ width: 1040, height: 900 });
  const clip = await page.evaluate((selectors) => {
    const found = Array.from(document.querySelectorAll(selectors));
    for (const element of found) element.closest("details")?.setAttribute("open", "");
    const boxes = found.map((element) => element.getBoundingClientRect());
    if (boxes.length === 0) throw new Error(`nothing is ${selectors}`);
    const [top, bottom] = [Math.min(...boxes.map((box) => box.top)), Math.max(...boxes.map((box) => box.bottom))];
    const [left, right] = [Math.min(...boxes.map((box) => box.left)), Math.max(...boxes.map((box) => box.right))];
    const y = Math.max(0, top + scrollY - 10);
    return { x: Math.max(0, left - 20), y, width: right - left + 40, height: bottom + scrollY + 10 - y };
  }, selectors);
  await page.screenshot({ path: `${prefix}.png`, clip, captureBeyondViewport: true });
}

/** The unpacked browser, beside the package that brings it; moved there whole, so that none is ever half there. */
async function unpacked(libraries) {
  const home = join(dirname(fileURLToPath(import.meta.url)), "node_modules", libraries ? ".chromium-libs" : ".chromium");
  const used = process.env.TMPDIR;
  if (!existsSync(home)) {
    mkdirSync(dirname(home), { recursive: true });
    process.env.TMPDIR = mkdtempSync(`${home}-`);
  } else {
    process.env.TMPDIR = home;
  }
  // What it finds in the environment when it is loaded decides whether it unpacks shared libraries too.
  if (libraries) process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs20.x";
  const { default: chromium } = await import("@sparticuz/chromium");
  const binary = await chromium.executablePath();
  const place = dirname(binary);
  if (place !== home) {
    try {
      renameSync(place, home);
    } catch {
      // Another process was first.
      rmSync(place, { recursive: true, force: true });
    }
  }
  if (used === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = used;
  if (libraries) {
    process.env.LD_LIBRARY_PATH = join(home, "al2023", "lib");
    process.env.FONTCONFIG_PATH = join(home, "fonts");
  }
  return join(home, "chromium");
}

const start = async (libraries) => {
  const { default: puppeteer } = await import("puppeteer-core");
  return puppeteer.launch({
    // Root has no sandbox; pages are our own files.
    args: ["--no-sandbox", "--no-zygote", "--disable-gpu", "--font-render-hinting=none"],
    executablePath: await unpacked(libraries),
    headless: "shell",
    timeout: 120_000,
  });
};

/** The browser with the machine's libraries; where some are missing, once more with those the package brings. */
async function launch() {
  const libraries = process.env.ASSAY_BROWSER_LIBRARIES === "bundled";
  try {
    return await start(libraries);
  } catch (error) {
    if (!libraries) {
      const env = { ...process.env, ASSAY_BROWSER_LIBRARIES: "bundled" };
      const again = spawnSync(process.execPath, process.argv.slice(1), { env, stdio: "inherit" });
      process.exit(again.status ?? 3);
    }
    console.error(`no browser starts here: ${error.message}`);
    process.exit(3);
  }
}

const browser = await launch();
try {
  const { page, seen } = await listened(browser);
  await page.setViewport({ width: 1200, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  await open(page, page_url);
  const wide = await page.evaluate(structure);
  const light = await page.evaluate(smallestContrast);
  if (shots !== undefined) {
    await (of === undefined ? shoot(page, shots) : picture(page, shots, of));
    await page.setViewport({ width: 1200, height: 900 });
  }
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  const dark = await page.evaluate(smallestContrast);
  const dark_ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.setViewport({ width: 400, height: 900 });
  const narrow = await page.evaluate(structure);
  await page.setViewport({ width: 1200, height: 900 });
  const filters = await page.evaluate(useFilters);
  const copied = await copy(page, "header");
  const copied_finding = await copy(page, ".finding");
  const region = await tall(page);
  await page.close();
  const without_policy = await unguarded(browser);
  const paint = await paintRatio(browser, 3);
  const version = await browser.version();
  console.log(JSON.stringify({
    version, ...seen, ...wide, narrow_too_wide: narrow.too_wide, light, dark, dark_ground, filters, copied, copied_finding,
    tall: region, unguarded: without_policy, paint,
  }));
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
