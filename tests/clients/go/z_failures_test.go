// Servers that stall, die and come back. Go runs the tests of a package file by file, so these come
// last: what they break is mended before they end, but the client takes its time to notice (see below).

package clients

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/apache/incubator-pegasus/go-client/pegasus"
	"github.com/stretchr/testify/require"
)

// The client does not dial a server twice within a minute; a restarted one looks dead for so long.
const redialLimit = 3 * time.Minute

// Hash keys that together meet every partition.
func spread(t *testing.T) [][]byte {
	keys := numbered(string(ownHashKey(t)), 64)
	return keys
}

// The record whose value is its hash key is read at last, and is never another.
func eventuallyHolds(t *testing.T, tb pegasus.TableConnector, key []byte) {
	t.Helper()
	eventually(t, redialLimit, func(ctx context.Context) error {
		value, err := tb.Get(ctx, key, []byte("s"))
		if err == nil && string(value) != string(key) {
			return fmt.Errorf("%q instead of %q", value, key)
		}
		return err
	})
}

func TestOperationsTimeOutWhileServersStall(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	require.NoError(t, tb.Set(soon(t), hashKey, []byte("s"), []byte("v")))
	control(t, "freeze")
	ctx, cancel := contextFor(300 * time.Millisecond)
	_, err := tb.Get(ctx, hashKey, []byte("s"))
	cancel()
	control(t, "thaw")
	require.ErrorContains(t, err, "deadline exceeded")

	eventually(t, patience, func(ctx context.Context) error {
		_, err := tb.Get(ctx, hashKey, []byte("s"))
		return err
	})
	control(t, "mend")
}

func TestFailoverWhenAPrimaryDies(t *testing.T) {
	tb, keys := openTable(t, table), spread(t)
	for _, key := range keys {
		require.NoError(t, tb.Set(soon(t), key, []byte("s"), key))
	}
	control(t, "kill-primary", table)
	// The open client finds the new primaries by itself.
	for _, key := range keys {
		eventuallyHolds(t, tb, key)
		eventually(t, redialLimit, func(ctx context.Context) error {
			return tb.Set(ctx, key, []byte("s"), []byte("after"))
		})
	}
	control(t, "mend")
}

func TestReconnectAfterARestartOfEverything(t *testing.T) {
	tb, keys := openTable(t, table), spread(t)
	for _, key := range keys {
		require.NoError(t, tb.Set(soon(t), key, []byte("s"), key))
	}
	control(t, "restart")
	for _, key := range keys {
		eventuallyHolds(t, tb, key)
	}
}
