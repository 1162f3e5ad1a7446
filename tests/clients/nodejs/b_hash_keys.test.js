// Calls on the records of one hash key: multiSet, multiGet.

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { setUp } = require('./cluster');

function records(count) {
    return Array.from({ length: count }, (_, number) => ({
        key: Buffer.from(`s${String(number).padStart(4, '0')}`),
        value: Buffer.from(`value ${number}`),
    }));
}

function found(hashKey, pairs) {
    return pairs.map(({ key, value }) => ({ hashKey, sortKey: key, value }));
}

test('multiSet and multiGet', async (t) => {
    const { table, hashKey } = setUp(t);
    const pairs = records(20);
    await table.multiSet({ hashKey, sortKeyValueArray: pairs });
    assert.deepEqual(await table.multiGet({ hashKey, sortKeyArray: [] }), found(hashKey, pairs));
    assert.deepEqual((await table.get({ hashKey, sortKey: pairs[3].key })).value, pairs[3].value);
});

test('multiGet gets all, whatever sort keys it is asked for', async (t) => {
    const { table, hashKey } = setUp(t);
    const pairs = records(5);
    await table.multiSet({ hashKey, sortKeyValueArray: pairs });
    // The client misspells the field of the sort keys, so the server never sees them.
    const some = await table.multiGet({ hashKey, sortKeyArray: [pairs[1].key, Buffer.from('absent')] });
    assert.deepEqual(some, found(hashKey, pairs));
});

test('multiGet leaves out the empty sort key', async (t) => {
    const { table, hashKey } = setUp(t);
    // The client leaves out start_inclusive, whose default on the wire is false.
    const pairs = [{ key: Buffer.alloc(0), value: Buffer.from('empty') }, ...records(2)];
    await table.multiSet({ hashKey, sortKeyValueArray: pairs });
    assert.deepEqual(await table.multiGet({ hashKey, sortKeyArray: [] }), found(hashKey, pairs.slice(1)));
});

test('limits of multiGet', async (t) => {
    const { table, hashKey } = setUp(t);
    await table.multiSet({ hashKey, sortKeyValueArray: records(150) });
    // "There is more" is an error to this client, and what was found is lost.
    const incomplete = { name: 'RocksDBException', err_code: 7 };
    await assert.rejects(table.multiGet({ hashKey, sortKeyArray: [] }), incomplete);
    await assert.rejects(table.multiGet({ hashKey, sortKeyArray: [], maxFetchSize: 50 }), incomplete);
    const all = await table.multiGet({ hashKey, sortKeyArray: [], maxFetchCount: 1000 });
    assert.deepEqual(all, found(hashKey, records(150)));
});

test('multiSet of nothing', async (t) => {
    const { table, hashKey } = setUp(t);
    const nothing = table.multiSet({ hashKey, sortKeyValueArray: [] });
    await assert.rejects(nothing, { name: 'RocksDBException', err_code: 4 });
    assert.deepEqual(await table.multiGet({ hashKey, sortKeyArray: [] }), []);
});
