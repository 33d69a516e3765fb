// The path of the demo in Firefox, over WebDriver BiDi: install, look at items with mouse, keyboard and touch, copy, refresh,
// search, open the settings. Arguments: Firefox, the portal's address, the app's origin, the app's client id. It prints
// what is not as it should be and ends with status 1 then.
import puppeteer from 'puppeteer-core';

const [executablePath, portal, app, client] = process.argv.slice(2);
const browser = await puppeteer.launch({ browser: 'firefox', executablePath, headless: true });
const problems = [];
const page = await browser.newPage();
await page.setViewport({ width: 1280, height: 800 });
let leaving = true; // a request of the portal's page that ends with it is no fault
page.on('pageerror', (error) => {
  if (!leaving || !/NetworkError|AbortError/.test(error.message)) problems.push('exception: ' + error.message);
});
page.on('console', (message) => { if (message.type() === 'error') problems.push('console: ' + message.text()); });

/** The app's frame, once the portal shows one whose script runs. */
async function frame() {
  for (let i = 0; i < 300; i++) {
    for (const found of page.frames()) {
      if (!found.url().startsWith(app)) continue;
      const alive = await found.evaluate(() => document.readyState === 'complete' && !document.body.dataset.session).catch(() => false);
      if (alive) return found;
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error('the portal shows no page of the app');
}

/** Waits until a function in the frame gives what is wanted. */
async function want(what, wanted, look, ...given) {
  let got;
  for (let i = 0; i < 200; i++) {
    got = await (await frame()).evaluate(look, ...given).catch((error) => error.message);
    if (JSON.stringify(got) === JSON.stringify(wanted)) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  problems.push(`${what}: ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`);
}

async function press(selector, how = 'click') {
  const button = await (await frame()).waitForSelector(selector);
  await button[how]();
}

/** Opens a page of the portal. */
async function go(path) {
  leaving = true;
  await page.goto(portal + path);
  await page.waitForNetworkIdle({ idleTime: 200 });
  leaving = false;
}

async function openTab(path) {
  await go(path);
  await page.click('[data-placement]');
}

try {
  await go('/market/');
  await page.click('#install');
  await press('[data-action=finish]');
  await want('the own page after installing', true, () => Boolean(document.querySelector('[data-home]')));

  await openTab('/crm/deal/details/20/');
  await want('names', true, () => document.body.innerText.includes('Nordlicht Logistics') && !document.querySelector('[data-name]'));
  const fits = () => document.documentElement.scrollHeight <= innerHeight && innerHeight - document.body.getBoundingClientRect().height < 2;
  await want('the frame has the height of its content', true, fits);

  await press('#filter');
  await page.keyboard.type('probab');
  await want('the filter', '1', () => document.querySelector('[data-status]').textContent.split(' ')[0]);
  await want('the frame follows its content', true, fits);
  await want('marks', true, () => !CSS.highlights || CSS.highlights.get('found').size > 0);
  await page.keyboard.press('Escape');
  await want('the filter is empty', '', () => document.querySelector('#filter').value);

  await (await frame()).evaluate(() => document.addEventListener('copy', () => { window.copied = document.activeElement.value; }));
  await press('[data-code=closedate] .copy', 'tap');
  await want('a copied value, by touch', 'Jul 31, 2026', () => window.copied);
  await want('what is said of it', 'Copied', () => document.querySelector('[data-status]').textContent);
  await press('[data-toggle=codes]', 'tap');
  await want('codes', true, () => document.body.classList.contains('show-codes'));
  await press('[data-action=refresh]');
  await want('refreshed', true, () => document.querySelector('[data-status]').textContent.length > 0);
  await press('[data-code=companyId] a');
  await page.waitForSelector('#slider-close');
  await page.click('#slider-close');

  await openTab('/crm/lead/details/250/');
  await want('codes are remembered', 'tab show-codes', () => document.body.className);

  await go(`/market/app/${client}/`);
  await want('lists', true, () => document.querySelectorAll('#items a').length > 1);
  await (await frame()).select('#type', '4');
  await want('companies', true, () => [...document.querySelectorAll('#items a')].every((link) => link.dataset.itemRef.startsWith('4:')));
  await press('#query');
  await page.keyboard.type('+1 202 555 0110');
  await page.keyboard.press('Enter');
  await want('found by phone', 'Nordlicht Logistics', () => [...document.querySelectorAll('#items a')].map((link) => link.textContent).join());
  await press('#items a');
  await want('the item is open', 'H1Nordlicht Logistics', () => document.activeElement.tagName + document.querySelector('[data-viewer] h1').textContent);
  await press('[data-action=back]');
  await want('back in the list', 'A', () => document.activeElement.tagName);
  await press('[data-action=settings]');
  await want('the settings', true, () => document.querySelectorAll('[data-settings] [data-tab]').length > 5);
} catch (error) {
  problems.push(String(error));
}
await browser.close();
for (const problem of problems) console.error(problem);
process.exit(problems.length ? 1 : 0);
