// Strangers' clients against the simulator that SIM (JSON) describes. Each step is one thing that a developer does with a
// client; what is printed is one line of JSON a client: steps, and those that failed with their reason.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { B24Hook, B24OAuth } from '@bitrix24/b24jssdk';

const sim = JSON.parse(process.env.SIM);
const { default: Bitrix } = createRequire(import.meta.url)('@2bad/bitrix');

async function run(client, steps) {
  const failed = [];
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step();
    } catch (error) {
      failed.push(name + ': ' + String(error && error.message || error).slice(0, 300));
    }
  }
  console.log(JSON.stringify({ client, steps: Object.keys(steps).length, failed }));
}

const hook = B24Hook.fromWebhookUrl(sim.webhook.replace(/\/$/, ''));
hook.offClientSideWarning();
const make = (b24, method, params = {}) => b24.actions.v2.call.make({ method, params });
const batch = (calls, more) => hook.actions.v2.batch.make({ calls, options: { returnAjaxResult: false, ...more } });

await run('@bitrix24/b24jssdk 2.2.0, webhook', {
  'a call': async () => assert.equal((await make(hook, 'profile')).getData().result.ID, '1'),
  'user.get by members': async () => assert.equal((await make(hook, 'user.get', { ID: 2 })).getData().result[0].NAME, 'Marco'),
  'user.get by filter': async () => assert.equal((await make(hook, 'user.get', { filter: { LAST_NAME: 'Lind' } })).getData().result.length, 1),
  'an error': () => assert.rejects(make(hook, 'crm.item.get', { entityTypeId: 1, id: 999999 }), { code: 'NOT_FOUND' }),
  'a batch with a failing command keeps its order': async () => {
    const r = await batch({ bad: ['crm.item.get', { entityTypeId: 1, id: 999999 }], me: ['user.current', {}], item: ['crm.item.get', { entityTypeId: 1, id: 250 }] }, { isHaltOnError: false });
    assert.equal(r.getData().me.ID, '1');
    assert.equal(r.getData().item.item.id, 250);
  },
  'a batch with references': async () => {
    const r = await batch([['crm.item.get', { entityTypeId: 1, id: 250 }], ['crm.item.get', { entityTypeId: 1, id: '$result[0][item][id]' }]], { isHaltOnError: true });
    assert.deepEqual(r.getData().map((x) => x.item.id), [250, 250]);
  },
  'a whole list': async () => {
    const r = await hook.actions.v2.callList.make({ method: 'crm.item.list', params: { entityTypeId: 1, select: ['id'] }, idKey: 'id', customKeyForResult: 'items' });
    assert.equal(r.getData().length, 103);
  },
  'an older list': async () => assert.equal((await make(hook, 'crm.deal.list', { filter: { CATEGORY_ID: 9, '<ID': 1000 } })).getData().result[0].ID, '22')
});

const oauth = new B24OAuth(
  {
    applicationToken: sim.applicationToken, userId: 1, memberId: sim.memberId, accessToken: sim.access, refreshToken: sim.refresh,
    expires: Math.floor(Date.now() / 1000) + 3600, expiresIn: 3600, scope: 'crm,placement,user_brief', domain: sim.domain,
    clientEndpoint: sim.clientEndpoint, serverEndpoint: sim.serverEndpoint, status: 'F'
  },
  { clientId: sim.clientId, clientSecret: sim.clientSecret }
);
oauth.offClientSideWarning();

await run('@bitrix24/b24jssdk 2.2.0, OAuth', {
  'a call': async () => assert.equal((await make(oauth, 'profile')).getData().result.ID, '1'),
  'refresh': async () => assert.notEqual((await oauth.auth.refreshAuth()).access_token, sim.access),
  'a call afterwards': async () => assert.equal((await make(oauth, 'app.info')).getData().result.CODE, sim.clientId),
  'bind and unbind': async () => {
    await make(oauth, 'event.bind', { event: 'ONCRMLEADADD', handler: 'https://app.example/' });
    assert.equal((await make(oauth, 'event.unbind', { event: 'ONCRMLEADADD', handler: 'https://app.example/' })).getData().result.count, 1);
  }
});

const bitrix = Bitrix(sim.webhook.replace(/\/$/, ''));

await run('@2bad/bitrix 2.5.1, webhook', {
  'a call': async () => assert.equal((await bitrix.call('profile', {})).result.ID, '1'),
  'a deal': async () => assert.equal((await bitrix.deals.get('20')).result.TITLE, 'Scales for the northern warehouse'),
  'a lead': async () => assert.equal((await bitrix.leads.get('250')).result.STATUS_ID, 'IN_PROCESS'),
  'a contact': async () => assert.equal((await bitrix.contacts.get('30')).result.LAST_NAME, 'Weiss'),
  'a company': async () => assert.equal((await bitrix.companies.get('40')).result.TITLE, 'Nordlicht Logistics'),
  'a user': async () => assert.equal((await bitrix.users.get('2')).result[0].NAME, 'Marco'),
  'all deals': async () => assert.equal((await bitrix.deals.list({ select: ['*', 'UF_*'] })).result.length, 103),
  'all statuses': async () => assert.ok((await bitrix.statuses.list({})).result.length > 30),
  'a batch': async () => {
    const { result } = await bitrix.batch({ lead: { method: 'crm.lead.get', params: { ID: '250' } }, user: { method: 'user.current', params: {} } });
    assert.equal(result.result.lead.ID, '250');
    assert.equal(result.result.user.ID, '1');
  },
  'an error': () => assert.rejects(bitrix.call('no.such.method', {}))
});

const token = Bitrix(sim.clientEndpoint.replace(/\/$/, ''), oauth.auth.getAuthData().access_token);

await run('@2bad/bitrix 2.5.1, OAuth', {
  // It writes the token to a place that its own HTTP library ignores, so it sends none: a fault of the client's.
  'a call without a token is refused': () => assert.rejects(token.call('profile', {}), /401/)
});
