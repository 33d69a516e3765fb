// The official SDK over OAuth and by webhook from Node, against the simulator that SIM (JSON) describes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { B24OAuth, B24Hook } from '@bitrix24/b24jssdk';

const sim = JSON.parse(process.env.SIM);

function client(pair = sim) {
  const b24 = new B24OAuth(
    {
      applicationToken: sim.applicationToken, userId: 1, memberId: sim.memberId, accessToken: pair.access, refreshToken: pair.refresh,
      expires: Math.floor(Date.now() / 1000) + 3600, expiresIn: 3600, scope: 'crm,placement,user_brief', domain: sim.domain,
      clientEndpoint: sim.clientEndpoint, serverEndpoint: sim.serverEndpoint, status: 'F'
    },
    { clientId: sim.clientId, clientSecret: sim.clientSecret }
  );
  b24.offClientSideWarning();
  return b24;
}

const make = (b24, method, params = {}) => b24.actions.v2.call.make({ method, params });

test('calls, errors, lists and refresh over OAuth', async () => {
  const b24 = client();
  const item = await make(b24, 'crm.item.get', { entityTypeId: 1, id: 250 });
  assert.equal(item.isSuccess, true);
  assert.equal(item.getData().result.item.title, 'Lead #250');
  assert.equal(typeof item.getData().time.operating, 'number');

  await assert.rejects(make(b24, 'crm.item.get', { entityTypeId: 1, id: 999999 }), { code: 'NOT_FOUND', status: 400, message: 'Item not found' });
  await assert.rejects(make(b24, 'no.such.method'), { code: 'ERROR_METHOD_NOT_FOUND', status: 404 });

  const before = b24.auth.getAuthData().access_token;
  const fresh = await b24.auth.refreshAuth();
  assert.notEqual(fresh.access_token, before);
  assert.equal((await make(b24, 'profile')).getData().result.ID, '1');
});

test('an expired token is refreshed by the SDK itself, once', async () => {
  const b24 = client(sim.expired);
  assert.equal((await make(b24, 'profile')).getData().result.ID, '1');
  assert.notEqual(b24.auth.getAuthData().access_token, sim.expired.access);
});

test('a refresh token works once', async () => {
  await assert.rejects(client(sim.expired).auth.refreshAuth());
});

test('batch with references', async () => {
  const hook = B24Hook.fromWebhookUrl(sim.webhook);
  hook.offClientSideWarning();
  const r = await hook.actions.v2.batch.make({
    calls: [['crm.item.get', { entityTypeId: 1, id: 250 }], ['crm.item.get', { entityTypeId: 1, id: '$result[0][item][id]' }]],
    options: { isHaltOnError: true, returnAjaxResult: false }
  });
  assert.equal(r.isSuccess, true);
  assert.deepEqual(r.getData().map((x) => x.item.id), [250, 250]);
});

test('a webhook reads, and is refused what needs an application', async () => {
  const hook = B24Hook.fromWebhookUrl(sim.webhook);
  hook.offClientSideWarning();
  assert.equal((await make(hook, 'profile')).getData().result.ID, '1');
  await assert.rejects(make(hook, 'placement.get'), { code: 'WRONG_AUTH_TYPE', status: 403 });
});

test('all pages of a list', async () => {
  const hook = B24Hook.fromWebhookUrl(sim.webhook);
  hook.offClientSideWarning();
  const r = await hook.actions.v2.callList.make({ method: 'crm.item.list', params: { entityTypeId: 1, select: ['id'] }, idKey: 'id', customKeyForResult: 'items' });
  assert.equal(r.isSuccess, true);
  assert.equal(r.getData().length, 103);
  assert.equal(new Set(r.getData().map((i) => i.id)).size, 103);
});
