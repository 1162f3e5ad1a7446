// The cluster that tests/clients/run has started, and what the tests need to use and to break it.

'use strict';

const { execFileSync } = require('node:child_process');
const { randomUUID } = require('node:crypto');
const net = require('node:net');
const { promisify } = require('node:util');
const pegasus = require('pegasus-nodejs-client');

// How long an operation may take. Generous: a slow machine is not what is tested.
const PATIENCE_MS = 30000;
const TABLE = 'temp';

// The client logs every connection; failing tests say enough.
const quiet = {};
for (const level of ['debug', 'info', 'warn', 'error']) {
    quiet[level] = () => {};
}

function metaServers() {
    return process.env.PEGASUS_META.split(',');
}

function createClient(options = {}) {
    return pegasus.create({
        metaServers: metaServers(),
        operationTimeout: PATIENCE_MS,
        log: quiet,
        ...options,
    });
}

// The client's methods for one table, as promises.
function promises(client, table = TABLE) {
    const methods = {};
    for (const name of ['get', 'set', 'del', 'multiGet', 'multiSet', 'batchGet', 'batchSet']) {
        const method = promisify(client[name].bind(client));
        methods[name] = (args) => method(table, args);
    }
    return methods;
}

// Closes a client until it stays closed: a question to a meta server that waits for its next attempt
// when the client is closed makes new connections afterwards, which would keep the process alive.
function end(client) {
    client.close();
    setInterval(() => client.close(), 500).unref();
}

// A client for one test, with keys that no other test uses.
function setUp(test, options) {
    const client = createClient(options);
    test.after(() => end(client));
    return { client, table: promises(client), hashKey: Buffer.from(`${test.name}-${randomUUID()}`) };
}

// Breaks or mends the cluster: see tests/clients/control.
function control(...args) {
    return execFileSync(process.env.PEGASUS_CONTROL, args, { encoding: 'utf8' }).trim();
}

// Tries until the condition holds; a failing attempt is as good as a false one.
async function eventually(what, condition, limit = 60000) {
    const deadline = Date.now() + limit;
    for (;;) {
        const last = await condition().catch((error) => error);
        if (last === true) {
            return;
        }
        if (Date.now() > deadline) {
            throw new Error(`still waiting for ${what}: ${last && last.message}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

// An address where nobody listens.
async function deadAddress() {
    const server = net.createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address();
    await new Promise((resolve) => server.close(resolve));
    return `127.0.0.1:${port}`;
}

module.exports = {
    PATIENCE_MS,
    TABLE,
    control,
    createClient,
    deadAddress,
    eventually,
    metaServers,
    promises,
    setUp,
};
