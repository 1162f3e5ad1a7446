// Making clients, opening tables, lists of meta servers, time limits, and many requests at once.

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { promisify } = require('node:util');
const pegasus = require('pegasus-nodejs-client');
const cluster = require('./cluster');
const { TABLE, setUp } = cluster;

const SORT_KEY = Buffer.from('s');

function open(client, table) {
    return promisify(client.getTable.bind(client))(table);
}

test('configurations that the client refuses', () => {
    for (const metaServers of [
        undefined,
        '127.0.0.1:1',
        ['127.0.0.1'],
        ['localhost:34601'],
        ['485.0.0.1:34601'],
        ['127.0.0.1:99999'],
    ]) {
        assert.throws(() => pegasus.create({ metaServers }), { name: 'InvalidParamException' });
    }
});

test('a client without new, and one that is an emitter', (t) => {
    const client = pegasus.Client({ metaServers: cluster.metaServers(), log: { info() {}, debug() {} } });
    t.after(() => client.close());
    assert.ok(client instanceof pegasus.Client);
    assert.ok(client instanceof require('node:events').EventEmitter);
});

test('a table is opened once', async (t) => {
    const { client } = setUp(t);
    const first = await open(client, TABLE);
    assert.equal(await open(client, TABLE), first);
});

test('a table that does not exist', async (t) => {
    const { client } = setUp(t);
    const missing = { name: 'MetaException', err_type: 'ERR_OBJECT_NOT_FOUND' };
    await assert.rejects(open(client, 'no-such-table'), missing);
    await assert.rejects(open(client, 17), { name: 'InvalidParamException' });
});

test('a meta server that is not there', async (t) => {
    // One that takes the connection and never answers is not tried here: the client spends the time
    // limit on its first attempt, gives the next one none, and waits for ever.
    const { client } = setUp(t, { metaServers: [await cluster.deadAddress()], operationTimeout: 200 });
    await assert.rejects(open(client, TABLE), { err_type: 'ERR_SESSION_RESET' });
});

test('a meta list with a dead entry', async (t) => {
    const metaServers = [await cluster.deadAddress(), ...cluster.metaServers()];
    const { table, hashKey } = setUp(t, { metaServers });
    await table.set({ hashKey, sortKey: SORT_KEY, value: Buffer.from('v') });
    assert.deepEqual((await table.get({ hashKey, sortKey: SORT_KEY })).value, Buffer.from('v'));
});

test('time limits of single operations', async (t) => {
    const { table, hashKey } = setUp(t);
    const timeout = cluster.PATIENCE_MS;
    await table.set({ hashKey, sortKey: SORT_KEY, value: Buffer.from('v'), timeout });
    assert.deepEqual((await table.get({ hashKey, sortKey: SORT_KEY, timeout })).value, Buffer.from('v'));
    await table.del({ hashKey, sortKey: SORT_KEY, timeout });
});

test('many requests at once', async (t) => {
    const { client, table, hashKey } = setUp(t);
    // The client asks only once for a table's routing: what else comes before the answer is lost.
    await open(client, TABLE);
    const keys = Array.from({ length: 500 }, (_, number) => ({
        hashKey: Buffer.concat([hashKey, Buffer.from(String(number))]),
        sortKey: SORT_KEY,
    }));
    await Promise.all(keys.map((key) => table.set({ ...key, value: key.hashKey })));
    const found = await Promise.all(keys.map((key) => table.get({ ...key })));
    assert.deepEqual(found.map(({ value }) => value), keys.map((key) => key.hashKey));
});
