// A page over the platform as people write it for Node: Express, the platform's official SDK, one batch, and the same
// fields as our page, each by its title and code, with its value as it came; the same product rows, each value by its
// name. It checks nobody and keeps nothing but one client a portal and pair of tokens, as the SDK wants it.
import express from 'express';
import { B24OAuth } from '@bitrix24/b24jssdk';

const rest = process.env.REST;
const clients = new Map();

function client(form, shape) {
  const key = form.AUTH_ID;
  let b24 = clients.get(key);
  if (!b24) {
    b24 = new B24OAuth(
      {
        applicationToken: form.APPLICATION_TOKEN, userId: 1, memberId: form.member_id, accessToken: form.AUTH_ID, refreshToken: form.REFRESH_ID,
        expires: Math.floor(Date.now() / 1000) + 3600, expiresIn: 3600, scope: 'crm,placement,user_brief', domain: new URL(rest).host,
        clientEndpoint: `${rest}/${shape}/rest/`, serverEndpoint: `${rest}/rest/`, status: 'L'
      },
      { clientId: 'app.bench', clientSecret: 'bench-client-secret' },
      // The limits protect real portals; the app's are as wide here.
      { restrictionParams: { rateLimit: { burstLimit: 1e9, drainRate: 1e9, adaptiveEnabled: false }, operatingLimit: { windowMs: 600000, limitMs: 1e12, heavyPercent: 100 }, adaptiveConfig: { enabled: false, thresholdPercent: 100, coefficient: 0, maxDelay: 0 } } }
    );
    b24.offClientSideWarning();
    clients.set(key, b24);
  }
  return b24;
}

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text) => String(text).replace(/[&<>"']/g, (c) => escapes[c]);
const raw = (value) => escape(typeof value === 'object' ? JSON.stringify(value) : value);

const app = express();
app.disable('x-powered-by');
app.use(express.urlencoded({ extended: false }));
app.post('/:shape', async (req, res) => {
  const b24 = client(req.body, req.params.shape);
  const answer = await b24.actions.v2.batch.make({
    calls: {
      profile: { method: 'profile', params: {} },
      item: { method: 'crm.item.get', params: { entityTypeId: 2, id: 20 } },
      fields: { method: 'crm.item.fields', params: { entityTypeId: 2 } },
      layoutP: { method: 'crm.item.details.configuration.get', params: { entityTypeId: 2, scope: 'P' } },
      layoutC: { method: 'crm.item.details.configuration.get', params: { entityTypeId: 2, scope: 'C' } },
      products0: { method: 'crm.item.productrow.list', params: { filter: { '=ownerType': 'D', '=ownerId': 20 }, start: 0 } }
    },
    options: { isHaltOnError: false, returnAjaxResult: false }
  });
  const { item, fields, products0 } = answer.getData();
  let html = `<!doctype html><title>${escape(item.item.title)}</title><table>`;
  for (const [name, value] of Object.entries(item.item)) {
    html += `<tr><th>${escape(fields.fields[name]?.title ?? name)}</th><td>${escape(name)}</td><td>${raw(value)}</td></tr>`;
  }
  html += '</table><table>';
  for (const row of products0.productRows) {
    html += '<tr>' + Object.entries(row).map(([name, value]) => `<td>${escape(name)}: ${raw(value)}</td>`).join('') + '</tr>';
  }
  res.type('html').send(html + '</table>');
});

const server = app.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
