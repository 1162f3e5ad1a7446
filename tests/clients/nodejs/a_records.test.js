// Calls on one record, and on many of them: set, get, del, batchSet, batchGet.

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { setUp } = require('./cluster');

const SORT_KEY = Buffer.from('s');
const EMPTY = Buffer.alloc(0);

test('set, get and del', async (t) => {
    const { table, hashKey } = setUp(t);
    const key = { hashKey, sortKey: SORT_KEY };
    // An absent record is an empty value: the client does not tell them apart.
    assert.deepEqual((await table.get({ ...key })).value, EMPTY);
    await table.set({ ...key, value: Buffer.from('first') });
    await table.set({ ...key, value: Buffer.from('second') });
    const found = await table.get({ ...key });
    assert.deepEqual(found, { ...key, value: Buffer.from('second') });
    await table.del({ ...key });
    assert.deepEqual((await table.get({ ...key })).value, EMPTY);
    await table.del({ ...key });
});

test('empty sort key, empty value, empty hash key', async (t) => {
    const { table, hashKey } = setUp(t);
    await table.set({ hashKey, sortKey: EMPTY, value: Buffer.from('v') });
    assert.deepEqual((await table.get({ hashKey, sortKey: EMPTY })).value, Buffer.from('v'));
    await table.set({ hashKey, sortKey: EMPTY, value: EMPTY });
    assert.deepEqual((await table.get({ hashKey, sortKey: EMPTY })).value, EMPTY);
    // Such a record is placed by its sort key.
    await table.set({ hashKey: EMPTY, sortKey: hashKey, value: Buffer.from('v') });
    assert.deepEqual((await table.get({ hashKey: EMPTY, sortKey: hashKey })).value, Buffer.from('v'));
});

test('binary keys and values', async (t) => {
    const { table } = setUp(t);
    const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const hashKeys = [Buffer.from([0]), Buffer.from([255, 255]), everyByte];
    const sortKeys = [Buffer.from([0]), Buffer.from([255]), Buffer.alloc(20, 255), everyByte];
    for (const hashKey of hashKeys) {
        for (const sortKey of sortKeys) {
            const value = Buffer.concat([sortKey, everyByte]);
            await table.set({ hashKey, sortKey, value });
            assert.deepEqual((await table.get({ hashKey, sortKey })).value, value);
            await table.del({ hashKey, sortKey });
        }
    }
});

test('keys that are prefixes of each other', async (t) => {
    const { table, hashKey } = setUp(t);
    const pairs = [['ab', 'c'], ['a', 'bc'], ['abc', ''], ['a', 'b']].map(([end, sortKey]) => ({
        hashKey: Buffer.concat([hashKey, Buffer.from(end)]),
        sortKey: Buffer.from(sortKey),
        value: Buffer.from(end + '/' + sortKey),
    }));
    for (const pair of pairs) {
        await table.set({ ...pair });
    }
    for (const { value, ...key } of pairs) {
        assert.deepEqual((await table.get(key)).value, value);
    }
});

test('a time to live makes the record expire at once', async (t) => {
    const { table, hashKey } = setUp(t);
    const record = { hashKey, sortKey: SORT_KEY, value: Buffer.from('v') };
    // The client sends the seconds as they are, where a date is expected: the record lived, and died,
    // in 2016.
    await table.set({ ...record, ttl: 1000 });
    assert.deepEqual((await table.get({ hashKey, sortKey: SORT_KEY })).value, EMPTY);
    const sortKeyValueArray = [{ key: SORT_KEY, value: Buffer.from('v') }];
    await table.multiSet({ hashKey, sortKeyValueArray, ttl: 1000 });
    assert.deepEqual((await table.get({ hashKey, sortKey: SORT_KEY })).value, EMPTY);
    // What is no time to live is none.
    await table.set({ ...record, ttl: -1 });
    assert.deepEqual((await table.get({ hashKey, sortKey: SORT_KEY })).value, Buffer.from('v'));
});

test('large values', async (t) => {
    const { table, hashKey } = setUp(t);
    const value = Buffer.alloc(1040000, '0123456789abcdef');
    await table.set({ hashKey, sortKey: SORT_KEY, value });
    assert.ok((await table.get({ hashKey, sortKey: SORT_KEY })).value.equals(value));
    // Larger than a request may be. Whatever the error, the client tries again, with less and less time;
    // the last attempts have a few milliseconds, so the error that it tells may be their time-out.
    const tooLarge = { hashKey, sortKey: SORT_KEY, value: Buffer.alloc(2 << 20), timeout: 600 };
    await assert.rejects(table.set(tooLarge), { name: 'RPCException' });
    assert.ok((await table.get({ hashKey, sortKey: SORT_KEY })).value.equals(value));
});

test('long keys', async (t) => {
    const { table } = setUp(t);
    const key = { hashKey: Buffer.alloc(32767, 'h'), sortKey: Buffer.alloc(100000, 's') };
    await table.set({ ...key, value: Buffer.from('v') });
    assert.deepEqual((await table.get({ ...key })).value, Buffer.from('v'));
    await table.del({ ...key });
});

test('a hash key of more than 32,767 bytes', async (t) => {
    const { client } = setUp(t);
    // The client writes the length as a signed number. On a table that is open it throws at once.
    await new Promise((resolve) => client.getTable('temp', resolve));
    const args = { hashKey: Buffer.alloc(32768, 'h'), sortKey: SORT_KEY };
    assert.throws(() => client.get('temp', args, () => {}), { code: 'ERR_OUT_OF_RANGE' });
});

test('batchSet and batchGet', async (t) => {
    const { table, hashKey } = setUp(t);
    const records = Array.from({ length: 30 }, (_, number) => ({
        hashKey: Buffer.concat([hashKey, Buffer.from([number])]),
        sortKey: SORT_KEY,
        value: Buffer.from(`value ${number}`),
    }));
    const written = await table.batchSet(records.map((record) => ({ ...record })));
    assert.deepEqual(written.map(({ error }) => error), records.map(() => null));
    const keys = records.map((record) => ({ hashKey: record.hashKey, sortKey: SORT_KEY }));
    const found = await table.batchGet([...keys, { hashKey, sortKey: SORT_KEY }]);
    const absent = { hashKey, sortKey: SORT_KEY, value: EMPTY };
    assert.deepEqual(found, [...records, absent].map((data) => ({ error: null, data })));
});

test('arguments that the client refuses', async (t) => {
    const { client, table, hashKey } = setUp(t);
    const key = { hashKey, sortKey: SORT_KEY };
    const refused = { name: 'InvalidParamException' };
    await assert.rejects(table.get({ sortKey: SORT_KEY }), refused);
    await assert.rejects(table.get({ hashKey: 'text', sortKey: SORT_KEY }), refused);
    await assert.rejects(table.set({ ...key, value: 'text' }), refused);
    await assert.rejects(table.del({ hashKey }), refused);
    await assert.rejects(table.batchGet({}), refused);
    await assert.rejects(table.batchSet([{ ...key }]), refused);
    await assert.rejects(table.multiGet({ hashKey }), refused);
    await assert.rejects(table.multiGet({ hashKey, sortKeyArray: ['text'] }), refused);
    await assert.rejects(table.multiSet({ hashKey, sortKeyValueArray: [{ key: SORT_KEY }] }), refused);
    assert.throws(() => client.get('temp', key), refused);
});
