// Servers that stall, die and come back. The files run one after the other; this one is the last.

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { TABLE, control, eventually, setUp } = require('./cluster');

const SORT_KEY = Buffer.from('s');

// Keys that together meet every partition.
function spread(hashKey) {
    return Array.from({ length: 64 }, (_, number) =>
        Buffer.concat([hashKey, Buffer.from(String(number))]));
}

async function writeAll(table, keys, value) {
    for (const hashKey of keys) {
        const args = { hashKey, sortKey: SORT_KEY, value: Buffer.from(value), timeout: 1500 };
        await eventually('a write', () => table.set({ ...args }).then(() => true));
    }
}

async function readAll(table, keys, value) {
    for (const hashKey of keys) {
        const read = async () => {
            const found = await table.get({ hashKey, sortKey: SORT_KEY, timeout: 1500 });
            return found.value.equals(Buffer.from(value));
        };
        await eventually('a read', read);
    }
}

test('operations time out while servers stall', async (t) => {
    const { table, hashKey } = setUp(t);
    const key = { hashKey, sortKey: SORT_KEY };
    await table.set({ ...key, value: Buffer.from('v') });
    control('freeze');
    try {
        await assert.rejects(table.get({ ...key, timeout: 300 }), { err_type: 'ERR_TIMEOUT' });
    } finally {
        control('thaw');
    }
    await readAll(table, [hashKey], 'v');
    control('mend');
});

test('failover when a primary dies', async (t) => {
    const { table, hashKey } = setUp(t);
    const keys = spread(hashKey);
    await writeAll(table, keys, 'before');
    control('kill-primary', TABLE);
    // The open client finds the new primaries by itself.
    await readAll(table, keys, 'before');
    await writeAll(table, keys, 'after');
    control('mend');
    await readAll(table, keys, 'after');
});

test('reconnect after a restart of everything', async (t) => {
    const { table, hashKey } = setUp(t);
    const keys = spread(hashKey);
    await writeAll(table, keys, 'before');
    control('restart');
    await readAll(table, keys, 'before');
    await writeAll(table, keys, 'after');
});
